import type { Algorithm } from '../domain/issuer-options.ts'

/** The public members of an RFC 7517 key, in this order, without any other. */
export type PublicKeyMaterial =
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }
  | { readonly kty: 'EC'; readonly crv: string; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: string; readonly x: string }

/** A key that was checked where it was fetched: public, importable and meant for signatures. */
export interface PublishedKey {
  /** null when the issuer gave none */
  readonly kid: string | null
  /** what it may verify: narrowed by key type, curve and the key's own `alg` */
  readonly algorithms: readonly Algorithm[]
  readonly material: PublicKeyMaterial
}

/** The keys of one issuer at one time: plain data that survives structured cloning and JSON. */
export interface KeySet {
  readonly issuerName: string
  readonly keys: readonly PublishedKey[]
  /**
   * When the fetch that brought them began, on the clock that all processes of one machine share
   * (`process.hrtime`, CLOCK_MONOTONIC), so that age means the same in every process.
   */
  readonly fetchedAtMonotonicMs: number
}

/**
 * How asking for newer keys ended. `refreshed`: a fetch that began after the question has brought keys.
 * `cooling-down`: enough fetches were made moments ago, and the issuer may have published the key since.
 */
export type RefreshOutcome = 'refreshed' | 'cooling-down' | 'failed'

/** Where a verifier finds keys. The primary process alone fetches; others hold what it pushed. */
export interface KeySource {
  /**
   * The keys of `issuerName` as last received, the same object until newer ones arrive; null when there
   * are none or they are older than `jwks.max_stale_s`.
   */
  current(issuerName: string): KeySet | null
  /**
   * Asks for a fetch because no key fits a token. Resolves within the fetch's own timeout, and never
   * before `current` shows what the fetch brought.
   *
   * @param keyId the `kid` of the token; without one, anything that is the same for such tokens
   * @returns `refreshed` also for a key id that was asked for before and that a later fetch did not bring
   */
  refresh(issuerName: string, keyId: string): Promise<RefreshOutcome>
}
