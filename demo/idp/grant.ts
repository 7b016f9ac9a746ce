import type { Grant, KoaContextWithOIDC } from 'oidc-provider'
import { AUDIENCE, SCOPES } from './access-token.ts'

/** The consent that every account has given in advance; no page ever requests consent. */
const SCOPE = 'openid email groups offline_access'

/** The session's grant for the client, made when there is none. */
export async function findOrCreateGrant(context: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, provider, session } = context.oidc
  if (client === undefined || session?.accountId === undefined) return undefined
  const grantId = session.grantIdFor(client.clientId)
  const existing = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  if (existing !== undefined) return existing
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope(SCOPE)
  grant.addResourceScope(AUDIENCE, SCOPES)
  await grant.save()
  return grant
}
