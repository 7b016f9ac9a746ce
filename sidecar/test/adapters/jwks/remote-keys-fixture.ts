import { onTestFinished } from 'vitest'
import type { RemoteIssuer } from '../../../src/adapters/jwks/download.ts'
import {
  createRemoteKeys,
  type RemoteKeys,
  type RemoteKeysTiming,
} from '../../../src/adapters/jwks/remote-keys.ts'
import { SYSTEM_CLOCK } from '../../../src/adapters/system-clock.ts'
import type { KeySet, PublishedKey } from '../../../src/verify/key-source.ts'
import { type SelfSigned, selfSigned } from '../../support/self-signed.ts'
import { type IssuerServer, issuerServer } from './issuer-server-fixture.ts'

export const TIMING: RemoteKeysTiming = {
  refreshSeconds: 600,
  cooldownSeconds: 600,
  timeoutMs: 1500,
}

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
  const issuer = { alias: 'idp', issuer: '', jwksUri: null, ca: null, allowsHttp: true, ...changes }
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
        fetch: (alias, result) => fetches.push(`${alias} ${result}`),
        warning: (alias, message) => warnings.push(`${alias} ${message}`),
      },
    }),
  }
  onTestFinished(() => watched.remote.close())
  return watched
}

export async function serve(...parts: Parameters<typeof issuerServer>): Promise<IssuerServer> {
  const server = await issuerServer(...parts)
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

export async function certificate(): Promise<SelfSigned> {
  const tls = await selfSigned('127.0.0.1')
  onTestFinished(() => tls.remove())
  return tls
}
