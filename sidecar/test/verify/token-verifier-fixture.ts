import { createPushedKeys, type PushedKeys } from '../../src/adapters/jwks/pushed-keys.ts'
import type { Principal } from '../../src/domain/principal.ts'
import type { Result } from '../../src/domain/result.ts'
import type { PublishedKey, RefreshOutcome } from '../../src/verify/key-source.ts'
import {
  createTokenVerifier,
  type TokenVerifier,
  type TokenVerifierParts,
} from '../../src/verify/token-verifier.ts'
import { GENERIC, LIMITS, NOW, type SigningKey } from './token-fixture.ts'

/**
 * A verifier on a real copy of pushed keys, with a clock that the test steps and what it observed.
 */
export interface Fixture {
  readonly verifier: TokenVerifier
  readonly keys: PushedKeys
  readonly clock: { ms: number }
  /** `issuer result`, `hit`, `miss`, in order */
  readonly observed: string[]
  readonly unexpected: unknown[]
  /** names of the issuers for which newer keys were asked */
  readonly asked: string[]
  /** the outcome of a refresh; by default `cooling-down` */
  refresh: (issuerName: string) => Promise<RefreshOutcome>
  publish(keys: readonly (SigningKey | PublishedKey)[], issuerName?: string): void
  reason(token: string, nowSeconds?: number): Promise<string>
}

export const MAX_STALE_SECONDS = 3_600

export function createFixture(changes: Partial<TokenVerifierParts> = {}): Fixture {
  const clock = { ms: 0 }
  const observed: string[] = []
  const unexpected: unknown[] = []
  const asked: string[] = []
  const keys = createPushedKeys({
    maxStaleSeconds: MAX_STALE_SECONDS,
    clock: { monotonicMs: () => clock.ms },
    requestKeys(issuerName) {
      asked.push(issuerName)
      return fixture.refresh(issuerName)
    },
  })
  const verifier = createTokenVerifier({
    issuers: [GENERIC],
    keys,
    limits: LIMITS,
    cacheSize: 100,
    observer: {
      verification: (issuer, result) => observed.push(`${issuer} ${result}`),
      cacheHit: () => observed.push('hit'),
      cacheMiss: () => observed.push('miss'),
    },
    onUnexpected: (error) => unexpected.push(error),
    ...changes,
  })
  const fixture: Fixture = {
    verifier,
    keys,
    clock,
    observed,
    unexpected,
    asked,
    refresh: async () => 'cooling-down',
    publish(published, issuerName = 'idp') {
      const plain = published.map((key) => ('published' in key ? key.published : key))
      keys.receive({ issuerName, keys: structuredClone(plain), fetchedAtMonotonicMs: clock.ms })
    },
    reason: async (token, nowSeconds = NOW) => reasonOf(await verifier.verify(token, nowSeconds)),
  }
  return fixture
}

export function reasonOf(result: Result<Principal>): string {
  return result.ok ? 'ok' : result.reason
}
