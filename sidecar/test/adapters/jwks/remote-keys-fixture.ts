import { afterAll, onTestFinished } from 'vitest'
import type { RemoteIssuer } from '../../../src/adapters/jwks/download.ts'
import {
  createRemoteKeys,
  type RemoteKeys,
  type RemoteKeysTiming,
} from '../../../src/adapters/jwks/remote-keys.ts'
import { SYSTEM_CLOCK } from '../../../src/adapters/system-clock.ts'
import type { KeySet, PublishedKey } from '../../../src/verify/key-source.ts'
import { selfSigned } from '../../support/self-signed.ts'
import { type IssuerServer, issuerServer } from './issuer-server-fixture.ts'

export const TIMING: RemoteKeysTiming = {
  refreshSeconds: 600,
  cooldownSeconds: 600,
  timeoutMs: 1500,
}

const TLS = await selfSigned('127.0.0.1')
afterAll(TLS.remove)

/** The certificate of every server that `serve` starts over TLS, as `ca` of an issuer. */
export const CA = TLS.certificate

export interface Watched {
  readonly remote: RemoteKeys
  readonly pushed: KeySet[]
  readonly fetches: string[]
  readonly warnings: string[]
  clockMs: number
}

/** Remote keys on a clock that the test can put ahead, and everything they told. */
export function watch(
  changes: Partial<RemoteIssuer>,
  timing: Partial<RemoteKeysTiming> = {},
): Watched {
  const issuer = { issuerName: 'idp', issuerUrl: '', jwksUri: null, ca: CA, ...changes }
  const pushed: KeySet[] = []
  const fetches: string[] = []
  const warnings: string[] = []
  const watched: Watched = {
    pushed,
    fetches,
    warnings,
    clockMs: 0,
    remote: createRemoteKeys({
      issuers: [issuer],
      timing: { ...TIMING, ...timing },
      clock: { monotonicMs: () => SYSTEM_CLOCK.monotonicMs() + watched.clockMs },
      onKeys: (set) => pushed.push(structuredClone(set)),
      observer: {
        fetch: (issuerName, result) => fetches.push(`${issuerName} ${result}`),
        warning: (issuerName, message) => warnings.push(`${issuerName} ${message}`),
      },
    }),
  }
  onTestFinished(() => watched.remote.close())
  return watched
}

export async function serve(scheme: 'https' | 'http' = 'https'): Promise<IssuerServer> {
  const server = await issuerServer(scheme === 'https' ? TLS : null)
  onTestFinished(() => server.close())
  return server
}

export async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('it did not happen')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export function kids(set: KeySet | undefined): readonly (string | null)[] | undefined {
  return set?.keys.map((key: PublishedKey) => key.kid)
}
