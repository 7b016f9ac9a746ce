import { readFileSync } from 'node:fs'
import {
  createRemoteKeys,
  type RemoteKeys,
  type RemoteKeysParts,
} from '../adapters/jwks/remote-keys.ts'
import { SYSTEM_CLOCK } from '../adapters/system-clock.ts'
import type { Config } from '../config/schema.ts'

/** of a fetch of keys; a request that needs the keys gives up sooner, and the fetch goes on */
const KEYS_TIMEOUT_MS = 5000

/**
 * The part of a configuration that decides where keys come from and how often: equal means the same
 * keys.
 */
export function keyOrigins({ issuers, jwks }: Config): unknown {
  return {
    jwks,
    issuers: issuers.map(({ name, issuer, jwks_uri, ca_file }) => [
      name,
      issuer,
      jwks_uri,
      ca_file,
    ]),
  }
}

/**
 * The keys of the issuers in `brickgate.yaml`.
 *
 * @throws {Error} when a CA cannot be read
 */
export function openConfiguredKeys(
  config: Config,
  events: Pick<RemoteKeysParts, 'onKeys' | 'observer'>,
): RemoteKeys {
  return createRemoteKeys({
    issuers: config.issuers.map((row) => ({
      issuerName: row.name,
      issuerUrl: row.issuer,
      jwksUri: row.jwks_uri ?? null,
      ca: row.ca_file === undefined ? null : readFileSync(row.ca_file, 'utf8'),
    })),
    timing: {
      refreshSeconds: config.jwks.refresh_s,
      cooldownSeconds: config.jwks.cooldown_s,
      timeoutMs: KEYS_TIMEOUT_MS,
    },
    clock: SYSTEM_CLOCK,
    ...events,
  })
}
