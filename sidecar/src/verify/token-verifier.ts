import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Principal } from '../domain/principal.ts'
import type { DenyReason } from '../domain/reason.ts'
import { ok, type Refusal, type Result, refuse } from '../domain/result.ts'
import { couldBeIdToken, readPrincipal, refusalAt, type TokenLimits } from './claims.ts'
import { type CompactToken, MAX_TOKEN_LENGTH, parseCompactToken } from './compact-token.ts'
import { createKeyRing } from './key-ring.ts'
import type { KeySource } from './key-source.ts'
import { createSignatureCheck } from './signature.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

export interface TokenVerifier {
  /**
   * The principal of a bearer token at `nowSeconds`. Returns at once from the cache or for a token
   * that is refused unseen, else a promise that never rejects.
   */
  verify(token: string, nowSeconds: number): Result<Principal> | Promise<Result<Principal>>
  /**
   * The same for an access token that the issuer itself sent in a sign-in or refresh. It may be for
   * the sign-in's client; a caller's token for that client could be an ID token.
   */
  verifyGranted(token: string, nowSeconds: number): Result<Principal> | Promise<Result<Principal>>
}

/** Called for every verification; must not throw. */
export interface VerificationObserver {
  /** @param issuerName name of the issuer whose signature was verified, or `unknown` */
  verification(issuerName: string, result: 'ok' | DenyReason): void
  cacheHit(): void
  cacheMiss(): void
}

export interface TokenVerifierParts {
  readonly issuers: readonly TrustedIssuer[]
  readonly keys: KeySource
  readonly limits: TokenLimits
  /** number of verified tokens in the cache */
  readonly cacheSize: number
  readonly observer: VerificationObserver
  /** called with the cause of every `internal-error` */
  readonly onUnexpected: (error: unknown) => void
}

/**
 * The verifier of one process. Its cache lives as long as it: other issuers or limits need another
 * one.
 *
 * @throws {RangeError} when two issuers share a name or an `iss`
 */
export function createTokenVerifier(parts: TokenVerifierParts): TokenVerifier {
  const { observer, limits } = parts
  const issuers = byIss(parts.issuers)
  const ring = createKeyRing(parts.keys)
  const checkSignature = createSignatureCheck({ ...parts, ring })
  const cache = new LRUCache<string, VerifiedToken>({ max: parts.cacheSize })
  const running = new Map<string, Running>()

  function accept(read: ReadToken, nowSeconds: number, by: Presenter): Result<Principal> {
    const { principal } = read
    const refusal = read.couldBeIdToken && by === 'caller' ? ID_TOKEN : null
    const conclusion = refusal ?? refusalAt(principal, nowSeconds, limits) ?? ok(principal)
    observer.verification(principal.issuerName, conclusion.ok ? 'ok' : conclusion.reason)
    return conclusion
  }

  function turnDown(refusal: Refusal, issuerName = 'unknown'): Refusal {
    observer.verification(issuerName, refusal.reason)
    return refusal
  }

  // INVARIANT: a verdict counts only under the keys that were current when it began; otherwise a
  // withdrawn key would still count.
  function isCurrent(issuerName: string, epoch: symbol): boolean {
    return ring.current(issuerName)?.epoch === epoch
  }

  function start(candidate: Candidate, epoch: symbol, digest: string): Running {
    const verdict = authenticate(candidate).then(({ issuerName, result }) => {
      if (running.get(digest) === started) running.delete(digest)
      if (result.ok && isCurrent(issuerName, epoch)) {
        cache.set(digest, { ...result.value, epoch })
      }
      return { issuerName, result }
    })
    const started: Running = { epoch, issuerName: candidate.issuer.issuerName, verdict }
    running.set(digest, started)
    return started
  }

  async function authenticate({ token, issuer }: Candidate): Promise<Verdict> {
    const signature = await checkSignature(token, issuer)
    if (!signature.ok) return { issuerName: 'unknown', result: signature }
    try {
      const principal = readPrincipal(token, issuer, limits)
      const result = principal.ok ? ok(readToken(principal.value, token, issuer)) : principal
      return { issuerName: issuer.issuerName, result }
    } catch (error) {
      parts.onUnexpected(error)
      return { issuerName: 'unknown', result: refuse('internal-error') }
    }
  }

  function join(digest: string): Running | null {
    const found = running.get(digest)
    return found !== undefined && isCurrent(found.issuerName, found.epoch) ? found : null
  }

  function verifyText(
    text: string,
    nowSeconds: number,
    by: Presenter,
  ): Result<Principal> | Promise<Result<Principal>> {
    if (text.length > MAX_TOKEN_LENGTH) return turnDown(refuse('malformed-token'))
    // INVARIANT: the whole token is the key, for the cache and for joining a running verification;
    // otherwise a forged token could share a verdict. The presenter is no part of the key, and is
    // checked at each use like the time.
    const digest = hash('sha256', text, 'base64url')
    const known = cache.get(digest)
    if (known !== undefined && isCurrent(known.principal.issuerName, known.epoch)) {
      observer.cacheHit()
      return accept(known, nowSeconds, by)
    }
    observer.cacheMiss()
    const candidate = readCandidate(text, issuers)
    if (!candidate.ok) return turnDown(candidate)
    const keys = ring.current(candidate.value.issuer.issuerName)
    if (keys === null) return turnDown(refuse('keys-unavailable'))
    const { verdict } = join(digest) ?? start(candidate.value, keys.epoch, digest)
    return verdict.then(({ issuerName, result }) =>
      result.ok ? accept(result.value, nowSeconds, by) : turnDown(result, issuerName),
    )
  }

  return {
    verify: (text, nowSeconds) => verifyText(text, nowSeconds, 'caller'),
    verifyGranted: (text, nowSeconds) => verifyText(text, nowSeconds, 'issuer'),
  }
}

/** The sender of a token. */
type Presenter = 'caller' | 'issuer'

const ID_TOKEN = refuse('wrong-token-type', 'aud')

/** The findings about a token, except whether it is valid now and from this presenter. */
interface Verdict {
  readonly issuerName: string
  readonly result: Result<ReadToken>
}

interface ReadToken {
  readonly principal: Principal
  readonly couldBeIdToken: boolean
}

/** A token with a valid signature and claims under the keys of `epoch`. */
interface VerifiedToken extends ReadToken {
  readonly epoch: symbol
}

function readToken(principal: Principal, token: CompactToken, issuer: TrustedIssuer): ReadToken {
  return { principal, couldBeIdToken: couldBeIdToken(token, issuer) }
}

interface Running {
  readonly issuerName: string
  readonly epoch: symbol
  readonly verdict: Promise<Verdict>
}

interface Candidate {
  readonly token: CompactToken
  readonly issuer: TrustedIssuer
}

function byIss(issuers: readonly TrustedIssuer[]): ReadonlyMap<string, TrustedIssuer> {
  const index = new Map(issuers.map((issuer) => [issuer.issuerUrl, issuer]))
  const issuerNames = new Set(issuers.map((issuer) => issuer.issuerName))
  if (index.size !== issuers.length || issuerNames.size !== issuers.length) {
    throw new RangeError('two trusted issuers share a name or an issuer URL')
  }
  return index
}

/** The checks that need no key. */
function readCandidate(
  text: string,
  issuers: ReadonlyMap<string, TrustedIssuer>,
): Result<Candidate> {
  const token = parseCompactToken(text)
  if (!token.ok) return token
  const issuer = issuers.get(token.value.issuerUrl)
  if (issuer === undefined) return refuse('unknown-issuer')
  const isAllowed = issuer.algorithms.some((own) => own === token.value.algorithm)
  return isAllowed ? ok({ token: token.value, issuer }) : refuse('algorithm-not-allowed')
}
