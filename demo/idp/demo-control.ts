import { z } from 'zod'
import type { ControlRoutes } from '../service/control-routes.ts'
import { BadCall, parseCall } from '../service/json.ts'
import { type EndpointGate, OUTAGES } from './endpoint-gate.ts'
import type { KeyRing } from './key-ring.ts'
import { mintToken } from './mint-token.ts'

/**
 * Everything under this path is for the demo and for tests; README.md beside this file lists it.
 */
export const CONTROL_PREFIX = '/__demo/'

const TokenCall = z.record(z.string(), z.unknown())
const WithdrawCall = z.strictObject({ kid: z.string().optional() })
const LifetimeCall = z.strictObject({ seconds: z.int().positive() })
const AccountCall = z.strictObject({ username: z.string() })
const OutageCall = z.strictObject({ mode: z.enum(OUTAGES) })

/** The control routes, without any guard: every client of the provider can mint any token. */
export function createDemoControl(parts: {
  readonly issuer: string
  readonly keys: KeyRing
  readonly gate: EndpointGate
  /** called after the ring changed, before the answer */
  readonly onKeysChanged: () => void
  /** how long access tokens live from now on */
  readonly setLifetime: (seconds: number) => void
  /** accounts that get no more tokens, neither by sign-in nor by refresh */
  readonly disabled: Set<string>
}): ControlRoutes {
  const { issuer, keys, gate, onKeysChanged, setLifetime, disabled } = parts
  const listKeys = () => ({
    keys: keys.published().map(({ kid, algorithm }) => ({ kid, algorithm })),
  })
  return {
    'POST /__demo/token': ({ body }) =>
      mintToken(parseCall(TokenCall, body), { keys, issuer, nowSeconds: Date.now() / 1000 }),
    'GET /__demo/keys': listKeys,
    'POST /__demo/keys/rotate': async () => {
      await keys.rotate()
      onKeysChanged()
      return listKeys()
    },
    'POST /__demo/keys/withdraw': async ({ body }) => {
      const { kid } = parseCall(WithdrawCall, body)
      if (!(await keys.withdraw(kid))) throw new BadCall('nothing to withdraw')
      onKeysChanged()
      return listKeys()
    },
    'GET /__demo/stats': () => gate.stats(),
    'DELETE /__demo/stats': () => gate.resetStats(),
    'POST /__demo/outage': ({ body }) => gate.setOutage(parseCall(OutageCall, body).mode),
    'POST /__demo/token-outage': ({ body }) =>
      gate.setTokenOutage(parseCall(OutageCall, body).mode),
    'POST /__demo/lifetime': ({ body }) => setLifetime(parseCall(LifetimeCall, body).seconds),
    'POST /__demo/disable': ({ body }) => void disabled.add(parseCall(AccountCall, body).username),
    'POST /__demo/enable': ({ body }) =>
      void disabled.delete(parseCall(AccountCall, body).username),
  }
}
