/** A variant in a comparison. */
export interface Contender {
  readonly name: string
  /** @returns the compared figure, in microseconds */
  run(): Promise<number>
}

/** Measured runs of each variant. */
export const RUNS = 7

/**
 * Runs both variants in turn, because a machine's speed drifts, and prints the median of each and
 * the median of the ratios pair by pair. The first round warms up and does not count.
 */
export async function alternate(title: string, a: Contender, b: Contender): Promise<void> {
  await a.run()
  await b.run()
  const pairs: [number, number][] = []
  for (let round = 0; round < RUNS; round++) pairs.push([await a.run(), await b.run()])
  const [left, right] = [pairs.map(([first]) => first), pairs.map(([, second]) => second)]
  const ratios = pairs.map(([first, second]) => first / second)
  process.stdout.write(
    `${title}, median of ${RUNS} alternating runs:\n` +
      `  ${a.name}: ${median(left).toFixed(1)} µs\n` +
      `  ${b.name}: ${median(right).toFixed(1)} µs\n` +
      `  ratio: ${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})\n`,
  )
}

function median(values: readonly number[]): number {
  return values.toSorted((x, y) => x - y)[Math.floor(values.length / 2)] ?? Number.NaN
}
