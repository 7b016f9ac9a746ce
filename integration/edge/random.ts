/** Choices that are the same in every run. */
export interface Random {
  /** a whole number from 0 to `limit` - 1 */
  below(limit: number): number
  pick<T>(from: readonly [T, ...T[]]): T
}

/** The generator mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
  return { below, pick: (from) => from[below(from.length)] ?? from[0] }
}
