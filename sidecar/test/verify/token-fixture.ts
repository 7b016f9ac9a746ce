import { KeyObject, sign } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { readJwks } from '../../src/adapters/jwks/document.ts'
import type { Algorithm } from '../../src/domain/issuer-options.ts'
import type { PublishedKey } from '../../src/verify/key-source.ts'
import type { TrustedIssuer } from '../../src/verify/trusted-issuer.ts'

/** A real key pair of an issuer, and its public half as the JWKS adapter reads it. */
export interface SigningKey {
  readonly kid: string
  readonly algorithm: Algorithm
  readonly jwk: JWK
  readonly published: PublishedKey
  readonly privateKey: KeyObject
}

export async function signingKey(kid: string, algorithm: Algorithm = 'ES256'): Promise<SigningKey> {
  const pair = await generateKeyPair(algorithm, { extractable: true })
  const jwk: JWK = { ...(await exportJWK(pair.publicKey)), kid, use: 'sig', alg: algorithm }
  const [published] = readJwks({ keys: [jwk] }).keys
  if (published === undefined) throw new Error(`${algorithm} did not survive publication`)
  return { kid, algorithm, jwk, published, privateKey: KeyObject.from(pair.privateKey) }
}

const DIGESTS: Partial<Record<Algorithm, string>> = {
  RS256: 'sha256',
  PS256: 'sha256',
  ES256: 'sha256',
  ES384: 'sha384',
}

/** Signs any header and payload text, however malformed. */
export function signTexts(key: SigningKey, header: string, payload: string | Buffer): string {
  const input = `${Buffer.from(header).toString('base64url')}.${Buffer.from(payload).toString('base64url')}`
  const pss = key.algorithm.startsWith('PS') ? { padding: 6, saltLength: 32 } : {}
  const signature = sign(DIGESTS[key.algorithm] ?? null, Buffer.from(input), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
    ...pss,
  })
  return `${input}.${signature.toString('base64url')}`
}

export type Claims = Readonly<Record<string, unknown>>

/** A token with the members of `header` and `claims`; undefined ones are left out. */
export function mint(key: SigningKey, claims: Claims, header: Claims = {}): string {
  const members = { alg: key.algorithm, kid: key.kid, typ: 'JWT', ...header }
  return signTexts(key, JSON.stringify(members), JSON.stringify(claims))
}

export const NOW = 1_800_000_000

export const ISSUER = 'https://idp.example'

/** Claims that a generic issuer's access token needs, and nothing else. */
export const CLAIMS: Claims = {
  iss: ISSUER,
  aud: 'api://databricks',
  sub: 'alice',
  jti: 'token-1',
  iat: NOW - 60,
  exp: NOW + 3_600,
}

export const GENERIC: TrustedIssuer = {
  issuerName: 'idp',
  issuerUrl: ISSUER,
  audiences: ['api://databricks', 'api://second'],
  algorithms: ['ES256'],
  preset: 'generic',
  requiredScopes: [],
  claims: { groups: 'groups', email: 'email', subject: 'sub' },
  admittedClaims: [],
  audienceClaim: 'aud',
  signInClient: null,
}

export const LIMITS = {
  clockSkewSeconds: 5,
  leewaySeconds: 60,
  maxTokenLifetimeSeconds: 86_400,
}
