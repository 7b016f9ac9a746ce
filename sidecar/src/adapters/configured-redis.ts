import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import type { Config } from '../config/schema.ts'
import { type ConnectionRole, openRedis, type RedisObserver } from './redis.ts'

/** The connection that `brickgate.yaml` describes. @throws {Error} when the CA cannot be read */
export function openConfiguredRedis(
  config: Config,
  observer: RedisObserver,
  role: ConnectionRole = 'commands',
): Redis {
  const { url, username, password, ca_file } = config.redis
  return openRedis(
    {
      url,
      username: username ?? null,
      password: password ?? null,
      ca: ca_file === undefined ? null : readFileSync(ca_file, 'utf8'),
    },
    observer,
    role,
  )
}
