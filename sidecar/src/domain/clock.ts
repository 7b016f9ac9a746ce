/** Time as a collaborator, so rooms stay pure and tests can advance it. */
export interface Clock {
  /** seconds since the Unix epoch, with a fraction (RFC 7519 NumericDate) */
  nowSeconds(): number
  /** milliseconds on a monotonic clock; only differences are meaningful */
  monotonicMs(): number
}
