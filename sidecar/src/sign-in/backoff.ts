import { LRUCache } from 'lru-cache'
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
  const failures = new LRUCache<string, { readonly count: number; readonly untilMs: number }>({
    max: MAX_REMEMBERED,
  })
  return {
    isOver: (name, nowMs) => nowMs >= (failures.get(name)?.untilMs ?? Number.NEGATIVE_INFINITY),
    failed(name, nowMs) {
      const count = (failures.get(name)?.count ?? 0) + 1
      failures.set(name, { count, untilMs: nowMs + pauseMs(count, FIRST_MS, LONGEST_MS) })
    },
    succeeded: (name) => void failures.delete(name),
  }
}
