import type { Tier } from '../../domain/tier.ts'
import type { SessionRegistry } from '../../session/session-registry.ts'
import type { IdpLogout } from '../../sign-in/idp-logout.ts'
import type { OpenIdProvider } from '../../sign-in/openid-provider.ts'
import type { SignIn } from '../../sign-in/sign-in.ts'
import type { Guard, GuardDeps } from '../guard.ts'

/** Collaborators of the pages for people who sign in with a browser. */
export interface BrowserRoutesDeps extends Pick<GuardDeps, 'observer' | 'clock'> {
  readonly guard: Guard
  readonly publicOrigins: Readonly<Record<Tier, string>>
  readonly registry: SessionRegistry
  readonly provider: OpenIdProvider
  readonly signIn: SignIn
  readonly idpLogout: IdpLogout
  readonly providerOrigin: string
  /** called with a description of a failure that the client did not cause */
  readonly onTrouble: (what: string) => void
}

/** The fields of a form; empty for a body of another type. */
export function fieldsOf(body: unknown): URLSearchParams {
  return body instanceof URLSearchParams ? body : new URLSearchParams()
}
