import { randomUUID } from 'node:crypto'
import { openConfiguredRedis } from '../adapters/configured-redis.ts'
import type { KeyValues } from '../adapters/key-values.ts'
import { createRedisKeyValues } from '../adapters/redis-key-values.ts'
import { acceptState, initState, showState } from '../adapters/state-record.ts'
import type { Config } from '../config/schema.ts'
import type { Result } from '../domain/result.ts'

const CONNECT_WITHIN_MS = 5000

/** @throws {Error} when Redis does not answer */
export function stateInit(config: Config): Promise<string> {
  return withRedis(config, async (keyValues) => {
    const isNew = answered(await initState(keyValues, randomUUID()))
    return isNew ? 'initialised: nothing is lost' : 'there is a bg:state already; it stays as it is'
  })
}

/** @throws {Error} when Redis does not answer */
export function stateShow(config: Config): Promise<string> {
  return withRedis(config, async (keyValues) => {
    const { value, record } = answered(await showState(keyValues))
    if (value.kind === 'absent') return 'bg:state is missing: the next request records a loss'
    if (record === null) return 'bg:state cannot be read: delete it, then accept'
    if (record.sinceSeconds === 0) return 'nothing is lost'
    const since = new Date(record.sinceSeconds * 1000).toISOString()
    return `revocations and sessions written before ${since} may be lost`
  })
}

/** @throws {Error} when Redis does not answer, and when the loss could not be accepted */
export function stateAccept(config: Config): Promise<string> {
  return withRedis(config, async (keyValues) => {
    const outcome = answered(await acceptState(keyValues, randomUUID()))
    if (outcome === 'unreadable') throw new Error('bg:state cannot be read: delete it, then accept')
    if (outcome === 'changed')
      throw new Error('bg:state changed meanwhile: look again, then accept')
    return outcome === 'accepted' ? 'accepted: older tokens work again' : 'nothing was lost'
  })
}

async function withRedis<T>(
  config: Config,
  work: (keyValues: KeyValues) => Promise<T>,
): Promise<T> {
  let lastFailure = 'no answer'
  const ready = Promise.withResolvers<void>()
  const observer = {
    connected: (isUp: boolean) => (isUp ? ready.resolve() : undefined),
    connectionFailed: (message: string) => void (lastFailure = message),
    commandsEnded: (_seconds: number, failure: string | null) => {
      if (failure !== null) lastFailure = failure
    },
  }
  const redis = openConfiguredRedis(config, observer)
  const timer = setTimeout(
    () => ready.reject(new Error(`redis: ${lastFailure}`)),
    CONNECT_WITHIN_MS,
  )
  try {
    await ready.promise
    return await work(createRedisKeyValues(redis, observer))
  } finally {
    clearTimeout(timer)
    redis.disconnect()
  }
}

function answered<T>(result: Result<T>): T {
  if (!result.ok) throw new Error('redis did not answer')
  return result.value
}
