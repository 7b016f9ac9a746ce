import type { IncomingMessage } from 'node:http'
import { createRemoteJWKSet, customFetch, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { createTrustingFetch } from '../service/trusting-fetch.ts'

/** An issuer whose signatures the workspace verifies, like a federation policy. */
export interface TrustedIssuer {
  readonly issuer: string
  readonly audience: string
  readonly jwksUri: string
  /** PEM text of the CA of `jwksUri` */
  readonly ca: string
}

/** Which bearers the workspace accepts. */
export interface AcceptedCredentials {
  /** `dapi…`, null for none */
  readonly personalAccessToken: string | null
  /** null accepts every well-formed JWT without a check of its signature */
  readonly trustedIssuer: TrustedIssuer | null
}

export type CredentialVerdict =
  /** `caller` is the token's subject, empty when it names none */
  | { readonly kind: 'accepted'; readonly caller: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'invalid' }

/** Judges the `Authorization` header; only one header with the scheme Bearer counts. */
export function createCredentialCheck(
  accepted: AcceptedCredentials,
): (request: IncomingMessage) => Promise<CredentialVerdict> {
  const subjectOf = createSubjectReader(accepted.trustedIssuer)
  return async (request) => {
    const values = request.headersDistinct['authorization'] ?? []
    const token = values.length === 1 ? /^Bearer (\S+)$/i.exec(values[0] ?? '')?.[1] : undefined
    if (token === undefined) return { kind: 'missing' }
    if (token === accepted.personalAccessToken) return { kind: 'accepted', caller: 'pat-owner' }
    const caller = await subjectOf(token).catch(() => null)
    return caller === null ? { kind: 'invalid' } : { kind: 'accepted', caller }
  }
}

/** @returns a reader that rejects for a token that does not count */
function createSubjectReader(trusted: TrustedIssuer | null): (token: string) => Promise<string> {
  if (trusted === null) {
    return async (token) => {
      decodeProtectedHeader(token)
      return decodeJwt(token).sub ?? ''
    }
  }
  const { issuer, audience, ca } = trusted
  const fetch = createTrustingFetch(ca)
  const keys = createRemoteJWKSet(new URL(trusted.jwksUri), { [customFetch]: fetch })
  return async (token) => (await jwtVerify(token, keys, { issuer, audience })).payload.sub ?? ''
}
