import type { PresetName } from '../domain/issuer-options.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import type { ClaimReader } from './claim-reader.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

/** The part of a token that depends on an identity provider's conventions. */
export interface Identity {
  /**
   * without the issuer name; `client:<client id>` for client credentials; null when the token has
   * none
   */
  readonly subject: string | null
  readonly clientId: string | null
  readonly scopes: readonly string[]
}

/**
 * Reads an identity, or rejects a token that is no access token of a user or client of this issuer.
 * The caller checks the reader for malformed claims.
 */
export type Preset = (read: ClaimReader, issuer: TrustedIssuer) => Result<Identity>

/**
 * An access token always has `cid` and `scp`, an ID token neither. `sub` is a login that can
 * change.
 */
function okta(read: ClaimReader, issuer: TrustedIssuer): Result<Identity> {
  const clientId = read.name('cid')
  const scopes = read.words('scp')
  if (clientId === null) return refuse('wrong-token-type', 'cid')
  if (scopes.length === 0) return refuse('wrong-token-type', 'scp')
  const isClient = !read.has('uid') && isItsOwnSubject(read, 'cid')
  const subject = isClient ? ofClient(clientId) : ofUser(read.name(issuer.claims.subject))
  return ok({ subject, clientId, scopes })
}

/**
 * Versions 1.0 (`appid`) and 2.0 (`azp`). ID tokens have neither, and may have `roles`: without
 * `scp` only a token that an application got for itself passes.
 */
function entra(read: ClaimReader, issuer: TrustedIssuer): Result<Identity> {
  const tenant = read.name('tid')
  if (tenant === null || tenant !== tenantOf(issuer)) return refuse('unknown-issuer', 'tid')
  const clientId = read.name('appid') ?? read.name('azp')
  const scopes = read.words('scp')
  const roles = read.list('roles')
  const isClient = isEntraApplication(read, scopes.length > 0)
  const proof = isClient ? roles : scopes
  if (clientId === null) return refuse('wrong-token-type', 'azp')
  if (proof.length === 0) return refuse('wrong-token-type', isClient ? 'roles' : 'scp')
  if (read.has('hasgroups')) return refuse('groups-unknown', 'hasgroups')
  const id = read.name(issuer.claims.subject)
  const subject = isClient ? ofClient(clientId) : id && `${tenant}:${id}`
  return ok({ subject, clientId, scopes: [...scopes, ...roles] })
}

/**
 * `idtyp` is an optional claim; without it, an application is recognised because it is its own
 * subject.
 */
function isEntraApplication(read: ClaimReader, hasScopes: boolean): boolean {
  const type = read.text('idtyp')
  if (type !== null) return type === 'app'
  return !hasScopes && read.has('oid') && read.text('oid') === read.text('sub')
}

/** The tenant in the issuer's URL: `https://<host>/<tid>/` and `https://<host>/<tid>/v2.0`. */
function tenantOf(issuer: TrustedIssuer): string | undefined {
  return /^https?:\/\/[^/]+\/([^/]+)\//.exec(issuer.issuerUrl)?.[1]
}

/** Tokens of a workspace's or account's own token endpoint. ID tokens have no `scope`. */
function databricks(read: ClaimReader, issuer: TrustedIssuer): Result<Identity> {
  const clientId = read.name('client_id')
  const scopes = read.words('scope')
  if (scopes.length === 0) return refuse('wrong-token-type', 'scope')
  const isClient = clientId !== null && isItsOwnSubject(read, 'client_id')
  const subject = isClient ? ofClient(clientId) : ofUser(read.name(issuer.claims.subject))
  return ok({ subject, clientId, scopes })
}

// As null the first two count as absent; the others may be a person's own choice, and count even as
// null.
const USER_MARKERS = ['auth_time', 'sid', 'email', 'preferred_username', 'name'] as const

/**
 * RFC 9068 names, and `azp` and `scp` of older issuers. A client speaks for itself when it is
 * `sub`.
 */
function generic(read: ClaimReader, issuer: TrustedIssuer): Result<Identity> {
  const clientId = read.name('client_id') ?? read.name('azp')
  const own = issuer.claims.subject
  const isClient =
    clientId !== null &&
    isItsOwnSubject(read, read.has('client_id') ? 'client_id' : 'azp') &&
    (own === 'sub' || !read.has(own)) &&
    !USER_MARKERS.some((claim) => read.has(claim))
  const subject = isClient ? ofClient(clientId) : ofUser(read.name(own))
  return ok({ subject, clientId, scopes: [...read.words('scope'), ...read.words('scp')] })
}

/**
 * The same stable subject from a token about a person that is no access token: an ID token or a
 * logout token. Okta has the access token's `uid` as `sub` in these.
 *
 * @returns null when the token has no such subject
 */
export function personOf(read: ClaimReader, issuer: TrustedIssuer): string | null {
  const own = read.name(issuer.claims.subject)
  if (issuer.preset === 'okta') return ofUser(own ?? read.name('sub'))
  if (issuer.preset !== 'entra') return ofUser(own)
  const tenant = read.name('tid')
  return tenant !== null && tenant === tenantOf(issuer) ? own && `${tenant}:${own}` : null
}

/** Whether a token's client speaks for itself. */
function isItsOwnSubject(read: ClaimReader, client: string): boolean {
  return read.text('sub') === read.text(client)
}

const CLIENT_PREFIX = 'client:'

function ofClient(clientId: string): string {
  return CLIENT_PREFIX + clientId
}

/** INVARIANT: no user has the name of a client; otherwise a user could get a client's rights. */
function ofUser(subject: string | null): string | null {
  return subject?.startsWith(CLIENT_PREFIX) ? null : subject
}

export const PRESETS: Readonly<Record<PresetName, Preset>> = { okta, entra, databricks, generic }

/** The claim in which scopes are looked for first. */
export const SCOPE_CLAIMS: Readonly<Record<PresetName, string>> = {
  okta: 'scp',
  entra: 'scp',
  databricks: 'scope',
  generic: 'scope',
}
