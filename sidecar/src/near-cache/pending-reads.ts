/** A read that began and is not back. */
export interface ReadUnderWay {
  /** how much had been said by then */
  readonly startedAt: number
}

/** Which reads were overtaken by word of a change: what they bring may be older than that. */
export interface ReadsUnderWay {
  begin(): ReadUnderWay
  /** it is back, and what it brought was put to use */
  end(read: ReadUnderWay): void
  /** these keys changed */
  changed(keys: readonly string[]): void
  /** any key may have changed */
  reset(): void
  isOvertaken(key: string, read: ReadUnderWay): boolean
}

/** Remembers a change for as long as a read is under way that it overtook, joined by others or not. */
export function createReadsUnderWay(): ReadsUnderWay {
  /** in the order of their beginning */
  const underWay = new Set<ReadUnderWay>()
  /** counts what was said */
  let position = 0
  let resetAt = 0
  /** where each key was last named since the oldest read began, in that order */
  const namedAt = new Map<string, number>()

  return {
    begin() {
      const read = { startedAt: position }
      underWay.add(read)
      return read
    },
    end(read) {
      underWay.delete(read)
      const [oldest] = underWay
      for (const [key, at] of namedAt) {
        if (oldest !== undefined && at > oldest.startedAt) return
        namedAt.delete(key)
      }
    },
    changed(keys) {
      position++
      if (underWay.size === 0) return
      for (const key of keys) {
        namedAt.delete(key)
        namedAt.set(key, position)
      }
    },
    reset() {
      resetAt = ++position
    },
    isOvertaken: (key, { startedAt }) => resetAt > startedAt || (namedAt.get(key) ?? 0) > startedAt,
  }
}
