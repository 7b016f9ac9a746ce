/** The name-value pairs of a request. */
export interface Params {
  /** latin1 text (one char per byte) of the only value of `name`, null when absent or repeated */
  get(name: string): string | null
  /** whether `name` occurs more than once */
  isRepeated(name: string): boolean
}

/** Position of a pair: the name ends where the value starts. */
interface Pair {
  readonly nameStart: number
  readonly valueStart: number
  readonly end: number
}

/**
 * Indexes name-value pairs (FastCGI 1.0, section 3.4). Only values that are read become text.
 *
 * @param bytes the whole stream; it belongs to the result from now on and must not change
 * @returns null when a pair is cut off, or has a length beyond the end
 */
export function indexParams(bytes: Buffer): Params | null {
  const pairs: Pair[] = []
  for (let at = 0; at < bytes.length; ) {
    const pair = pairAt(bytes, at)
    if (pair === null) return null
    pairs.push(pair)
    at = pair.end
  }
  return new IndexedParams(bytes, pairs)
}

class IndexedParams implements Params {
  readonly #bytes: Buffer
  readonly #pairs: readonly Pair[]

  constructor(bytes: Buffer, pairs: readonly Pair[]) {
    this.#bytes = bytes
    this.#pairs = pairs
  }

  get(name: string): string | null {
    const pair = this.#find(name)
    if (pair === null || pair === 'repeated') return null
    return this.#bytes.toString('latin1', pair.valueStart, pair.end)
  }

  isRepeated(name: string): boolean {
    return this.#find(name) === 'repeated'
  }

  #find(name: string): Pair | 'repeated' | null {
    let found: Pair | null = null
    for (const pair of this.#pairs) {
      if (!this.#isNamed(pair, name)) continue
      if (found !== null) return 'repeated'
      found = pair
    }
    return found
  }

  #isNamed(pair: Pair, name: string): boolean {
    if (pair.valueStart - pair.nameStart !== name.length) return false
    // from the end, because most names share their beginning (`HTTP_`, `BRICKGATE_`)
    for (let i = name.length - 1; i >= 0; i--) {
      if (this.#bytes[pair.nameStart + i] !== name.charCodeAt(i)) return false
    }
    return true
  }
}

function pairAt(bytes: Buffer, at: number): Pair | null {
  const nameLength = lengthAt(bytes, at)
  if (nameLength === null) return null
  const valueLengthAt = at + lengthSize(bytes, at)
  const valueLength = lengthAt(bytes, valueLengthAt)
  if (valueLength === null) return null
  const nameStart = valueLengthAt + lengthSize(bytes, valueLengthAt)
  const valueStart = nameStart + nameLength
  const end = valueStart + valueLength
  return end <= bytes.length ? { nameStart, valueStart, end } : null
}

/**
 * Reads a length (section 3.4): 1 byte below 0x80, else 4 bytes big-endian with the top bit
 * cleared, which may also be a short length.
 *
 * @returns 0 to 2^31 - 1, null when `bytes` ends before the length does
 */
function lengthAt(bytes: Buffer, at: number): number | null {
  const first = bytes[at]
  if (first === undefined) return null
  if (first < 0x80) return first
  return at + 4 <= bytes.length ? bytes.readUInt32BE(at) & 0x7fffffff : null
}

/** Bytes of the length at `at`, which `lengthAt` has read. */
function lengthSize(bytes: Buffer, at: number): 1 | 4 {
  return bytes.readUInt8(at) < 0x80 ? 1 : 4
}
