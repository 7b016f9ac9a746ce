import type { IncomingMessage } from 'node:http'
import type { Params } from '../fcgi/params.ts'

/** The FastCGI parameters of a request that node-fastcgi took in. It keeps the last of a repeated one. */
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
