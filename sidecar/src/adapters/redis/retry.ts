import { setTimeout as pause } from 'node:timers/promises'
import type { Result } from '../../domain/result.ts'

const MAX_TRIES = 10
const PAUSE_MS = 100

/**
 * Repeats a command for as long as a person waits: a request has 250 ms for Redis, and a walk over
 * a million keys on a busy machine should not end with the first late answer. Only for commands
 * that may run twice.
 */
export async function untilAnswered<T>(attempt: () => Promise<Result<T>>): Promise<Result<T>> {
  for (let tries = 1; ; tries += 1) {
    const answer = await attempt()
    if (answer.ok || tries === MAX_TRIES) return answer
    await pause(PAUSE_MS)
  }
}
