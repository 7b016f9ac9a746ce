import { constants, createHmac, createPublicKey, randomUUID, sign } from 'node:crypto'
import { AUDIENCE, LIFETIME_SECONDS, SCOPES } from './access-token.ts'
import { ALGORITHMS, type Algorithm, type KeyRing, type SigningKey } from './key-ring.ts'

/** A JSON object of any members. */
export type Claims = Readonly<Record<string, unknown>>

export interface MintingContext {
  readonly keys: KeyRing
  readonly issuer: string
  readonly nowSeconds: number
}

/** The answer of a token endpoint (RFC 6749 section 5.1). */
export interface MintedToken {
  readonly access_token: string
  /** seconds from now, null without a numeric `exp` */
  readonly expires_in: number | null
}

/**
 * Makes an access token out of any claims, hostile ones included.
 *
 * @param request claims, which win over the defaults (`iss`, `aud`, `sub`, `client_id`, `scope`,
 * `iat`, `exp`, `jti`); null removes one. Its member `__header` does the same to the JOSE header
 * (`alg`, `kid`, `typ`). `alg` chooses how it is signed: `RS256`, `PS256`, `ES256`, `EdDSA` with a
 * key of the ring (the one `kid` names, when published); `none` not at all; `HS256` with the PEM
 * text of the RS256 public key as secret; anything else like RS256, under that false name
 */
export function mintToken(request: Claims, context: MintingContext): MintedToken {
  const { __header, ...wantedClaims } = request
  const wantedHeader = isRecord(__header) ? __header : {}
  const key = chooseKey(wantedHeader, context.keys)
  const header = override({ alg: key.algorithm, typ: 'at+jwt', kid: key.kid }, wantedHeader)
  const claims = override(defaultClaims(context), wantedClaims)
  const input = `${encode(header)}.${encode(claims)}`
  const { exp } = claims
  return {
    access_token: `${input}.${signature(input, wantedHeader['alg'], key).toString('base64url')}`,
    expires_in: typeof exp === 'number' ? exp - Math.floor(context.nowSeconds) : null,
  }
}

function chooseKey(wantedHeader: Claims, keys: KeyRing): SigningKey {
  const algorithm = ALGORITHMS.find((name) => name === wantedHeader['alg']) ?? 'RS256'
  const { kid } = wantedHeader
  return keys.signer(algorithm, typeof kid === 'string' ? kid : undefined)
}

function defaultClaims({ issuer, nowSeconds }: MintingContext): Claims {
  const iat = Math.floor(nowSeconds)
  return {
    iss: issuer,
    aud: AUDIENCE,
    sub: 'demo',
    client_id: 'demo-mint',
    scope: SCOPES,
    iat,
    exp: iat + LIFETIME_SECONDS,
    jti: randomUUID(),
  }
}

function override(defaults: Claims, wanted: Claims): Claims {
  const merged = Object.entries({ ...defaults, ...wanted })
  return Object.fromEntries(merged.filter(([, value]) => value !== null))
}

function signature(input: string, wantedAlgorithm: unknown, key: SigningKey): Buffer {
  if (wantedAlgorithm === 'none') return Buffer.alloc(0)
  if (wantedAlgorithm === 'HS256') {
    const pem = createPublicKey(key.privateKey).export({ type: 'spki', format: 'pem' })
    return createHmac('sha256', pem).update(input).digest()
  }
  return SIGNERS[key.algorithm](Buffer.from(input), key)
}

const SIGNERS: Readonly<Record<Algorithm, (input: Buffer, key: SigningKey) => Buffer>> = {
  RS256: (input, { privateKey }) => sign('sha256', input, privateKey),
  PS256: (input, { privateKey }) =>
    sign('sha256', input, {
      key: privateKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    }),
  ES256: (input, { privateKey }) =>
    sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  EdDSA: (input, { privateKey }) => sign(null, input, privateKey),
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function isRecord(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
