import { type AuthenticateDeps, createAuthenticate } from '../../src/authorize/authenticate.ts'
import type { CheckDeps } from '../../src/authorize/check.ts'
import type { AccessRequest } from '../../src/domain/access-request.ts'
import type { Clock } from '../../src/domain/clock.ts'
import { sessionKey } from '../../src/domain/redis-keys.ts'
import type { Tier } from '../../src/domain/tier.ts'
import { indexParams, type Params } from '../../src/fcgi/params.ts'
import { readAccessRequest } from '../../src/http/access-request.ts'
import { compilePolicies } from '../../src/policy/compile.ts'
import { createRevocationView } from '../../src/revocation/revocation-view.ts'
import { encodeSession, type Session } from '../../src/session/session.ts'
import { createSessionResolver } from '../../src/session/session-resolver.ts'
import { createStateStores } from '../../src/store/state-stores.ts'
import { passthrough } from '../../src/upstream/upstream-credential.ts'
import { encodePairs } from '../fcgi/encode-fixture.ts'
import { createMemoryKeyValues, type MemoryKeyValues } from '../support/memory-key-values.ts'
import { anomalyLog, CIPHER, sessionUse } from '../support/session-fixture.ts'
import { uncachedReader } from '../support/uncached-reader.ts'
import {
  CLAIMS,
  type Claims,
  LIMITS,
  mint,
  NOW,
  type SigningKey,
  signingKey,
} from '../verify/token-fixture.ts'
import { createFixture } from '../verify/token-verifier-fixture.ts'

export const REQUEST_ID = '0123456789abcdef0123456789abcdef'
export const ORIGINS: Readonly<Record<Tier, string>> = {
  internal: 'https://dbx.example.com',
  external: 'https://dbx-partners.example.com',
}
const POLICIES = {
  version: 1,
  policies: [
    {
      id: 'analysts',
      effect: 'permit',
      who: { groups: ['idp|analysts', 'okta|analysts'] },
      paths: ['/api'],
    },
    {
      id: 'no-secrets',
      effect: 'forbid',
      who: { any_verified: true },
      paths: ['/api/2.0/secrets'],
    },
  ],
}

const GATE: Readonly<Record<string, string>> = {
  BRICKGATE_TARGET: '/api/2.1/jobs/list',
  BRICKGATE_METHOD: 'GET',
  BRICKGATE_REQUEST_ID: REQUEST_ID,
  REMOTE_ADDR: '192.0.2.1',
  REQUEST_METHOD: 'GET',
  HTTP_USER_AGENT: 'databricks-sdk-py/0.1',
}

/** Parameters of a valid request without a credential, with these changes and additions. */
export function paramsWith(changes: Readonly<Record<string, string>>): Params {
  const params = indexParams(encodePairs(Object.entries({ ...GATE, ...changes })))
  if (params === null) throw new Error('these parameters cannot be encoded')
  return params
}

export function requestWith(
  changes: Readonly<Record<string, string>>,
  tier: Tier = 'internal',
): AccessRequest {
  const read = readAccessRequest(paramsWith(changes), tier)
  if (!read.ok) throw new Error(`refused with ${read.reason}`)
  return read.value
}

/** The collaborators of a check, with a Redis in memory and a key of the test. */
export interface Deciding {
  readonly memory: MemoryKeyValues
  readonly clock: Clock & { seconds: number; ms: number }
  readonly authenticateDeps: AuthenticateDeps
  readonly checkDeps: CheckDeps
  /** reported failures of policies */
  readonly policyFailures: unknown[]
  mint(claims?: Claims): string
  put(session: Session): Promise<void>
}

export async function createDeciding(): Promise<Deciding> {
  const key: SigningKey = await signingKey('k1')
  const memory = createMemoryKeyValues(() => 0)
  memory.set('bg:state', '{"id":"state-1","since":0}')
  const clock = {
    seconds: NOW,
    ms: 0,
    nowSeconds: () => clock.seconds,
    monotonicMs: () => clock.ms,
  }
  const authenticateDeps = authenticateParts(memory, key)
  const policyFailures: unknown[] = []
  return {
    memory,
    clock,
    authenticateDeps,
    checkDeps: {
      authenticate: createAuthenticate(authenticateDeps),
      policies: compilePolicies(POLICIES, ['idp', 'okta']),
      refresh: null,
      upstream: passthrough,
      deployment: {
        workspaceId: '1234567890123456',
        product: 'brickgate/0.0.0',
        hasSeveralIssuers: false,
        sendsGroups: true,
      },
      isEgressFrozen: () => false,
      clock,
      onPolicyFailure: (error) => policyFailures.push(error),
    },
    policyFailures,
    mint: (claims = {}) => mint(key, { ...CLAIMS, groups: ['analysts'], ...claims }),
    put: async (session) =>
      memory.set(sessionKey(session.sid), await CIPHER.encrypt(encodeSession(session))),
  }
}

function authenticateParts(memory: MemoryKeyValues, key: SigningKey): AuthenticateDeps {
  const observer = anomalyLog()
  const stores = createStateStores({
    keyValues: memory,
    reader: uncachedReader(memory),
    observer,
    newId: () => 'state-2',
    longestAcceptanceSeconds: 108_000,
  })
  const fixture = createFixture()
  fixture.publish([key])
  return {
    verifier: fixture.verifier,
    sessions: createSessionResolver({
      store: stores.sessions,
      cipher: CIPHER,
      observer,
      use: sessionUse(stores.sessions, observer, { idleSeconds: 1800 }),
      idleTimeoutSeconds: 1800,
      anyTier: false,
    }),
    issuerNames: new Set(['idp', 'okta']),
    leewaySeconds: LIMITS.leewaySeconds,
    revocations: createRevocationView({ store: stores.revocations, observer, clockSkewSeconds: 5 }),
    publicOrigins: ORIGINS,
  }
}
