import { ok, type Result, refuse } from '../domain/result.ts'
import { claimLabel, createClaimReader } from './claim-reader.ts'
import type { CompactToken } from './compact-token.ts'
import type { RelyingParty } from './id-token.ts'
import { personOf } from './presets.ts'
import { isObject, type JsonObject } from './strict-json.ts'

/** The session or subject that ended at the issuer. At least one of both is present. */
export interface LogoutOrder {
  /** `jti`, which identifies a second delivery */
  readonly tokenId: string
  readonly issuedAtSeconds: number
  readonly expiresAtSeconds: number
  /** `sid` of the ended session at the IdP */
  readonly idpSession: string | null
  /**
   * the stable subject without the issuer name; without a session, all of the subject's are meant
   */
  readonly subject: string | null
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** A delivery takes seconds; a longer validity could be replayed after its record is gone. */
const MAX_LIFETIME_SECONDS = 3600

/**
 * Reads a logout token with a verified issuer and signature (OpenID Connect Back-Channel Logout 1.0
 * section 2.6).
 */
export function readLogoutToken(
  token: CompactToken,
  { issuer, clientId, limits }: RelyingParty,
  nowSeconds: number,
): Result<LogoutOrder> {
  const read = createClaimReader(token.claims)
  const tokenId = read.name('jti')
  const issuedAtSeconds = read.seconds('iat')
  const expiresAtSeconds = read.seconds('exp')
  const idpSession = read.name('sid')
  const subject = personOf(read, issuer)
  const audiences = read.oneOrMore('aud')
  const malformed = read.malformedClaim()
  if (malformed !== null) return refuse('malformed-token', claimLabel(malformed))
  if (tokenId === null) return refuse('malformed-token', 'jti')
  if (issuedAtSeconds === null) return refuse('malformed-token', 'iat')
  if (expiresAtSeconds === null) return refuse('malformed-token', 'exp')
  // With a nonce it could pass for an ID token elsewhere, so a nonce is not allowed.
  if (!isLogout(token.claims) || read.has('nonce')) return refuse('wrong-token-type')
  if (!audiences.includes(clientId)) return refuse('wrong-audience')
  if (idpSession === null && subject === null) return refuse('malformed-token')
  if (!(nowSeconds < expiresAtSeconds + limits.leewaySeconds)) return refuse('token-expired')
  if (!(issuedAtSeconds <= nowSeconds + limits.clockSkewSeconds)) {
    return refuse('token-not-yet-valid')
  }
  const lifetime = expiresAtSeconds - issuedAtSeconds
  if (lifetime > MAX_LIFETIME_SECONDS) return refuse('token-lifetime-too-long')
  return ok({ tokenId, issuedAtSeconds, expiresAtSeconds, idpSession, subject })
}

function isLogout(claims: JsonObject): boolean {
  const events = Object.hasOwn(claims, 'events') ? claims['events'] : null
  return isObject(events) && Object.hasOwn(events, EVENT) && isObject(events[EVENT])
}
