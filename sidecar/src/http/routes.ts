/** Beginning of every path that the responder serves and the workspace never receives. */
export const OWN_PREFIX = '/_brickgate'

/**
 * Every path of the responder. lighttpd hands over all paths below `OWN_PREFIX` and knows none of
 * them.
 */
export const ROUTES = {
  /** page about a person's sessions, where a sign-in without another page to return to ends */
  home: `${OWN_PREFIX}/`,
  version: `${OWN_PREFIX}/version`,
  whoami: `${OWN_PREFIX}/whoami`,
  sessions: `${OWN_PREFIX}/sessions`,
  signIn: `${OWN_PREFIX}/sign-in`,
  /** registered at the OpenID provider, below each tier's `public_url` */
  callback: `${OWN_PREFIX}/callback`,
  signOut: `${OWN_PREFIX}/sign-out`,
  /** registered at the OpenID provider like `callback` */
  signedOut: `${OWN_PREFIX}/signed-out`,
  endSession: `${OWN_PREFIX}/end-session`,
  backchannelLogout: `${OWN_PREFIX}/backchannel-logout`,
  frontchannelLogout: `${OWN_PREFIX}/frontchannel-logout`,
} as const
