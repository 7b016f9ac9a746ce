import type { IncomingMessage } from 'node:http'
import { isTier, type Tier } from '../domain/tier.ts'
import type { Params } from '../fcgi/params.ts'

/**
 * The FastCGI parameters of a request that node-fastcgi parsed. Of a repeated parameter it keeps
 * the last value.
 */
export function cgiParams(request: IncomingMessage): Params {
  const held = 'cgiParams' in request ? request.cgiParams : null
  const table = new Map(typeof held === 'object' && held !== null ? Object.entries(held) : [])
  return {
    get(name) {
      const text: unknown = table.get(name)
      return typeof text === 'string' ? Buffer.from(text, 'utf8').toString('latin1') : null
    },
    isRepeated: () => false,
  }
}

/**
 * The tier of a request, from the gate's parameter.
 *
 * @throws {TypeError} when the gate sent none
 */
export function tierOf(incoming: IncomingMessage): Tier {
  const tier = cgiParams(incoming).get('BRICKGATE_TIER')
  if (!isTier(tier)) throw new TypeError('a request to the responder has no tier')
  return tier
}
