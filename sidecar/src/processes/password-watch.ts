import type { RedisClient } from '../adapters/redis/client.ts'
import { asksForPassword } from '../adapters/redis/password.ts'
import type { Clock } from '../domain/clock.ts'
import type { Logger } from '../observe/log.ts'

/** Checks whether Redis requires a password. */
export interface PasswordWatch {
  /** @returns the last finding; null before the first */
  isPasswordNeeded(): boolean | null
  /** Checks again, at most once a minute after a finding. Never rejects. */
  look(redis: RedisClient): Promise<void>
}

export interface PasswordWatchDeps {
  readonly clock: Pick<Clock, 'nowSeconds'>
  readonly log: Pick<Logger, 'warn' | 'info'>
}

export const NO_PASSWORD =
  'redis needs no password: everybody who reaches it can lift revocations and end access'

const LOOK_EVERY_SECONDS = 60

export function createPasswordWatch({ clock, log }: PasswordWatchDeps): PasswordWatch {
  let isNeeded: boolean | null = null
  let lookedSeconds = Number.NEGATIVE_INFINITY
  let looked: RedisClient | null = null

  return {
    isPasswordNeeded: () => isNeeded,
    async look(redis) {
      const nowSeconds = clock.nowSeconds()
      if (redis === looked && nowSeconds < lookedSeconds + LOOK_EVERY_SECONDS) return
      ;[looked, lookedSeconds] = [redis, nowSeconds]
      const found = await asksForPassword(redis)
      if (looked !== redis) return // another Redis was configured meanwhile
      if (found === null) lookedSeconds = Number.NEGATIVE_INFINITY
      else publish(found)
    },
  }

  function publish(found: boolean): void {
    const before = isNeeded
    isNeeded = found
    if (!found && before !== false) log.warn(NO_PASSWORD)
    if (found && before === false) log.info('redis needs a password now')
  }
}
