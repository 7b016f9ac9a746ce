/**
 * Splits a request target at its first `?`. No URL parser: those throw on targets such as `//`, and
 * rewrite others.
 */
export function splitTarget(target: string): {
  /** as sent, nothing decoded */
  readonly path: string
  readonly query: URLSearchParams
} {
  const at = target.indexOf('?')
  if (at === -1) return { path: target, query: new URLSearchParams() }
  return { path: target.slice(0, at), query: new URLSearchParams(target.slice(at)) }
}
