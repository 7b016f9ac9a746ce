/** Time as a collaborator, so that rooms stay pure and tests can step it. */
export interface Clock {
  /** seconds since the Unix epoch, with fraction (RFC 7519 NumericDate) */
  nowSeconds(): number
  /** milliseconds on a clock that never steps; only differences mean anything */
  monotonicMs(): number
}
