import { hash, type KeyObject } from 'node:crypto'
import { compactVerify, errors } from 'jose'
import type { Principal } from '../domain/principal.ts'
import type { DenyReason, Reason } from '../domain/reason.ts'
import { createRecentMap } from '../domain/recent-map.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import { readPrincipal, refusalAt, type TokenLimits } from './claims.ts'
import { type CompactToken, MAX_TOKEN_LENGTH, parseCompactToken } from './compact-token.ts'
import { chooseKey, createKeyRing, type KeyRing } from './key-ring.ts'
import type { KeySource } from './key-source.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

export interface TokenVerifier {
  /**
   * Who a bearer token speaks for at `nowSeconds`. Answers at once from the cache or when the token is
   * refused unseen, else by a promise that never rejects.
   */
  verify(token: string, nowSeconds: number): Result<Principal> | Promise<Result<Principal>>
}

/** Told of every verification; must not throw. */
export interface VerificationObserver {
  /** @param issuer alias of the issuer whose signature was verified, else `unknown` */
  verification(issuer: string, result: 'ok' | DenyReason): void
  cacheHit(): void
  cacheMiss(): void
}

export interface TokenVerifierParts {
  readonly issuers: readonly TrustedIssuer[]
  readonly keys: KeySource
  readonly limits: TokenLimits
  /** how many verified tokens are remembered */
  readonly cacheSize: number
  readonly observer: VerificationObserver
  /** told of the cause of every `internal-error` */
  readonly onUnexpected: (error: unknown) => void
}

/**
 * The verifier of one process. Its cache lives as long as it: other issuers or limits need another one.
 *
 * @throws {RangeError} when two issuers share an alias or an `iss`
 */
export function createTokenVerifier(parts: TokenVerifierParts): TokenVerifier {
  const { observer, limits } = parts
  const issuers = byIss(parts.issuers)
  const ring = createKeyRing(parts.keys)
  const cache = createRecentMap<VerifiedToken>({ maxEntries: parts.cacheSize })
  const running = new Map<string, Running>()

  function conclude({ issuer, result }: Verdict, nowSeconds: number): Result<Principal> {
    const refusal = result.ok ? refusalAt(result.value, nowSeconds, limits) : null
    const conclusion = refusal === null ? result : refuse(refusal)
    observer.verification(issuer, conclusion.ok ? 'ok' : conclusion.reason)
    return conclusion
  }

  // INVARIANT: a verdict is believed only under the keys that were current when it was begun.
  function isCurrent(alias: string, epoch: symbol): boolean {
    return ring.current(alias)?.epoch === epoch
  }

  function start(candidate: Candidate, epoch: symbol, digest: string): Running {
    const verdict = authenticate(candidate, ring, parts).then(({ issuer, result }) => {
      if (running.get(digest) === started) running.delete(digest)
      if (result.ok && isCurrent(issuer, epoch)) {
        cache.set(digest, { principal: result.value, epoch })
      }
      return { issuer, result }
    })
    const started: Running = { epoch, alias: candidate.issuer.alias, verdict }
    running.set(digest, started)
    return started
  }

  function join(digest: string): Running | null {
    const found = running.get(digest)
    return found !== undefined && isCurrent(found.alias, found.epoch) ? found : null
  }

  return {
    verify(text, nowSeconds) {
      if (text.length > MAX_TOKEN_LENGTH) return conclude(unseen('malformed-token'), nowSeconds)
      // INVARIANT: the whole token is the key, for the cache and for joining a running verification.
      const digest = hash('sha256', text, 'base64url')
      const known = cache.get(digest)
      if (known !== undefined && isCurrent(known.principal.issuer, known.epoch)) {
        observer.cacheHit()
        return conclude({ issuer: known.principal.issuer, result: ok(known.principal) }, nowSeconds)
      }
      observer.cacheMiss()
      const candidate = readCandidate(text, issuers)
      if (!candidate.ok) return conclude(unseen(candidate.reason), nowSeconds)
      const keys = ring.current(candidate.value.issuer.alias)
      if (keys === null) return conclude(unseen('keys-unavailable'), nowSeconds)
      const { verdict } = join(digest) ?? start(candidate.value, keys.epoch, digest)
      return verdict.then((reached) => conclude(reached, nowSeconds))
    },
  }
}

/** What was found of a token, apart from whether it is valid at this moment. */
interface Verdict {
  readonly issuer: string
  readonly result: Result<Principal>
}

/** A token whose signature and claims were found good under the keys of `epoch`. */
interface VerifiedToken {
  readonly principal: Principal
  readonly epoch: symbol
}

interface Running {
  readonly alias: string
  readonly epoch: symbol
  readonly verdict: Promise<Verdict>
}

interface Candidate {
  readonly token: CompactToken
  readonly issuer: TrustedIssuer
}

function unseen(reason: DenyReason): Verdict {
  return { issuer: 'unknown', result: refuse(reason) }
}

function byIss(issuers: readonly TrustedIssuer[]): ReadonlyMap<string, TrustedIssuer> {
  const index = new Map(issuers.map((issuer) => [issuer.issuer, issuer]))
  const aliases = new Set(issuers.map((issuer) => issuer.alias))
  if (index.size !== issuers.length || aliases.size !== issuers.length) {
    throw new RangeError('two trusted issuers share an alias or an issuer')
  }
  return index
}

/** Everything that can be told without a key. */
function readCandidate(
  text: string,
  issuers: ReadonlyMap<string, TrustedIssuer>,
): Result<Candidate> {
  const token = parseCompactToken(text)
  if (!token.ok) return token
  const issuer = issuers.get(token.value.issuer)
  if (issuer === undefined) return refuse('unknown-issuer')
  const isAllowed = issuer.algorithms.some((own) => own === token.value.algorithm)
  return isAllowed ? ok({ token: token.value, issuer }) : refuse('algorithm-not-allowed')
}

type Collaborators = Pick<TokenVerifierParts, 'keys' | 'limits' | 'onUnexpected'>

async function authenticate(
  { token, issuer }: Candidate,
  ring: KeyRing,
  { keys, limits, onUnexpected }: Collaborators,
): Promise<Verdict> {
  try {
    const key = await findKey(token, issuer.alias, { ring, keys })
    if (!key.ok) return unseen(key.reason)
    await compactVerify(token.text, key.value, { algorithms: [...issuer.algorithms] })
    return { issuer: issuer.alias, result: readPrincipal(token, issuer, limits) }
  } catch (error) {
    const reason = reasonOf(error)
    if (reason === 'internal-error') onUnexpected(error)
    return unseen(reason)
  }
}

async function findKey(
  token: CompactToken,
  alias: string,
  { ring, keys }: { readonly ring: KeyRing; readonly keys: KeySource },
): Promise<Result<KeyObject>> {
  const known = ring.current(alias)
  const key = known && chooseKey(known, token)
  if (key !== null) return ok(key)
  const outcome = await keys.refresh(alias)
  const renewed = ring.current(alias)
  const found = renewed && chooseKey(renewed, token)
  if (found !== null) return ok(found)
  // An outage never says that a token is bad.
  const isKnown = renewed !== null && outcome !== 'failed'
  return refuse(isKnown ? 'unknown-key' : 'keys-unavailable')
}

const REASON_BY_CODE: Readonly<Record<string, Exclude<Reason, 'allowed'>>> = {
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'bad-signature',
  ERR_JWS_INVALID: 'malformed-token',
}

/** A signature error with a cause is a failure to verify, not a signature that does not verify. */
function reasonOf(error: unknown): DenyReason {
  if (!(error instanceof errors.JOSEError)) return 'internal-error'
  if (error instanceof errors.JWSSignatureVerificationFailed && error.cause !== undefined) {
    return 'internal-error'
  }
  return REASON_BY_CODE[error.code] ?? 'internal-error'
}
