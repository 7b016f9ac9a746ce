import type { RedisObserver } from '../../src/adapters/redis/client.ts'

/** Events of a connection. */
export interface RedisLog extends RedisObserver {
  readonly connections: boolean[]
  readonly connectionFailures: string[]
  readonly commands: { readonly seconds: number; readonly failure: string | null }[]
}

export function redisLog(): RedisLog {
  const log: RedisLog = {
    connections: [],
    connectionFailures: [],
    commands: [],
    connected: (isUp) => void log.connections.push(isUp),
    connectionFailed: (message) => void log.connectionFailures.push(message),
    commandsEnded: (seconds, failure) => void log.commands.push({ seconds, failure }),
  }
  return log
}
