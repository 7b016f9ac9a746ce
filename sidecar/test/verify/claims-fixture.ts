import type { Principal } from '../../src/domain/principal.ts'
import type { Result } from '../../src/domain/result.ts'
import { readPrincipal } from '../../src/verify/claims.ts'
import type { TrustedIssuer } from '../../src/verify/trusted-issuer.ts'
import { CLAIMS, type Claims, GENERIC, LIMITS } from './token-fixture.ts'

/** The result for the claims of a good token with these changes. */
export function read(changes: Claims, issuer: TrustedIssuer = GENERIC): Result<Principal> {
  const claims: Claims = JSON.parse(JSON.stringify({ ...CLAIMS, ...changes }))
  const token = {
    text: 'h.p.s',
    signingInput: 'h.p',
    algorithm: 'ES256',
    kid: null,
    type: 'jwt',
    issuerUrl: issuer.issuerUrl,
    claims,
  }
  return readPrincipal(token, issuer, LIMITS)
}

export function reasonOf(result: Result<Principal>): string {
  return result.ok ? 'ok' : result.reason
}

export function principalOf(result: Result<Principal>): Principal {
  if (!result.ok) throw new Error(result.reason)
  return result.value
}
