import { setTimeout as pause } from 'node:timers/promises'
import type { Result } from '../../domain/result.ts'

const MAX_TRIES = 10
const PAUSE_MS = 100

/**
 * Asks again for as long as a person waits: a request has 250 ms for Redis, and a walk of a million keys on
 * a busy machine should not end with the first answer that comes late. Only for what may be done twice.
 */
export async function untilAnswered<T>(attempt: () => Promise<Result<T>>): Promise<Result<T>> {
  for (let tries = 1; ; tries += 1) {
    const answer = await attempt()
    if (answer.ok || tries === MAX_TRIES) return answer
    await pause(PAUSE_MS)
  }
}
