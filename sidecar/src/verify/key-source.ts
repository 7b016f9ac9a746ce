import type { Algorithm } from '../domain/issuer-options.ts'

/** The public members of an RFC 7517 key, in this order, without any other. */
export type PublicKeyMaterial =
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }
  | { readonly kty: 'EC'; readonly crv: string; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: string; readonly x: string }

/** A key that was checked when it was fetched: public, importable and meant for signatures. */
export interface PublishedKey {
  /** null when the issuer published none */
  readonly kid: string | null
  /** algorithms that it may verify: narrowed by key type, curve and the key's own `alg` */
  readonly algorithms: readonly Algorithm[]
  readonly material: PublicKeyMaterial
}

/** The keys of an issuer at one time: plain data that survives structured cloning and JSON. */
export interface KeySet {
  readonly issuerName: string
  readonly keys: readonly PublishedKey[]
  /**
   * When the fetch of these keys began, on the clock that all processes of a machine share
   * (`process.hrtime`, CLOCK_MONOTONIC), so that age means the same in every process.
   */
  readonly fetchedAtMonotonicMs: number
}

/**
 * The outcome of a request for newer keys. `refreshed`: a fetch that began after the request
 * brought keys. `cooling-down`: enough fetches were made moments ago, and the issuer may have
 * published the key since.
 */
export type RefreshOutcome = 'refreshed' | 'cooling-down' | 'failed'

/**
 * The verifier's source of keys. Only the primary process fetches; workers hold the keys that it
 * sent.
 */
export interface KeySource {
  /**
   * The keys of `issuerName` as last received, the same object until newer ones arrive; null when
   * there are none or they are older than `jwks.max_stale_s`.
   */
  current(issuerName: string): KeySet | null
  /**
   * Requests a fetch because no key fits a token. Resolves within the fetch's own timeout, and
   * never before `current` returns the fetched keys.
   *
   * @param keyId the `kid` of the token; without a `kid`, any text that is the same for such
   *   tokens
   * @returns `refreshed` also for a key id that was requested before and that a later fetch did
   *   not bring
   */
  refresh(issuerName: string, keyId: string): Promise<RefreshOutcome>
}
