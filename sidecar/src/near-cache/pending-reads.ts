/** A read that has begun and not ended. */
export interface PendingRead {
  /** number of changes and resets before it began */
  readonly startedAt: number
}

/** Knows which reads were overtaken by a change, so that their values may be older. */
export interface PendingReads {
  begin(): PendingRead
  /** the read has ended, and its values were used */
  end(read: PendingRead): void
  /** these keys changed */
  changed(keys: readonly string[]): void
  /** any key may have changed */
  reset(): void
  isOvertaken(key: string, read: PendingRead): boolean
}

/** Remembers a change until every read that it overtook has ended. */
export function createPendingReads(): PendingReads {
  /** in the order in which they began */
  const pending = new Set<PendingRead>()
  /** number of changes and resets so far */
  let position = 0
  let resetAt = 0
  /** position of each key's last change since the oldest pending read began, in that order */
  const namedAt = new Map<string, number>()

  return {
    begin() {
      const read = { startedAt: position }
      pending.add(read)
      return read
    },
    end(read) {
      pending.delete(read)
      const [oldest] = pending
      for (const [key, at] of namedAt) {
        if (oldest !== undefined && at > oldest.startedAt) return
        namedAt.delete(key)
      }
    },
    changed(keys) {
      position++
      if (pending.size === 0) return
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
