export interface Percentiles {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/**
 * By nearest rank.
 *
 * @returns NaN in each for no values
 */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}
