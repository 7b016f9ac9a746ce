/** `Set-Cookie` by which a workspace could set a cookie of ours. */
export const OUR_COOKIES: readonly string[] = [
  '__Host-brickgate=forged; Path=/; Secure',
  '__HOST-BRICKGATE=forged',
  '__Host-brickgate =forged',
  '=__Host-brickgate=forged',
  '__Host-brickgate-signin=forged; Path=/; Secure; HttpOnly',
  '__host-Brickgate-Signin=forged',
  '__Host-brickgate-signin-0123456789abcdef=forged; Path=/; Secure; HttpOnly',
  '__Host-brickgate',
]

/** `Set-Cookie` of the workspace's own. */
export const OTHER_COOKIES: readonly string[] = [
  'a=1',
  'b=2; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
  '__Host-brickgatex=3',
  'x__Host-brickgate=4',
  'c=__Host-brickgate=5',
]
