import { pauseMs } from '../domain/pause.ts'

/** The time of the next try after failures: after 1, 2, 4, 8, then every 10 seconds. */
export interface Backoff {
  isOver(name: string, nowMs: number): boolean
  failed(name: string, nowMs: number): void
  succeeded(name: string): void
}

const FIRST_MS = 1000
const LONGEST_MS = 10_000
const MAX_REMEMBERED = 10_000

export function createBackoff(): Backoff {
  /** oldest first */
  const failures = new Map<string, { readonly count: number; readonly untilMs: number }>()
  return {
    isOver: (name, nowMs) => nowMs >= (failures.get(name)?.untilMs ?? Number.NEGATIVE_INFINITY),
    failed(name, nowMs) {
      const count = (failures.get(name)?.count ?? 0) + 1
      failures.delete(name)
      failures.set(name, { count, untilMs: nowMs + pauseMs(count, FIRST_MS, LONGEST_MS) })
      const [oldest] = failures.keys()
      if (failures.size > MAX_REMEMBERED && oldest !== undefined) failures.delete(oldest)
    },
    succeeded: (name) => void failures.delete(name),
  }
}
