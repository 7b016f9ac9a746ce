import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { PASSWORD } from '../../sidecar/test/support/documented-users.ts'
import {
  type RedisServer,
  redisCli,
  startRedisServer,
} from '../../sidecar/test/support/redis-server.ts'

const HOME = join(import.meta.dirname, '../..')

let directory: string
let server: RedisServer

/** A Redis with the users of the composed one. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'brickgate-users-'))
  const users = readFileSync(join(HOME, 'deploy/compose/users.acl'), 'utf8')
  await writeFile(join(directory, 'users.acl'), users.replaceAll('PASSWORD', PASSWORD))
  server = await startRedisServer('--aclfile', join(directory, 'users.acl'))
})

afterAll(async () => {
  await server.stop()
  await rm(directory, { recursive: true })
})

function as(user: string, ...words: string[]): Promise<string> {
  return redisCli('-u', `redis://${user}:${PASSWORD}@127.0.0.1:${server.port}`, ...words)
}

it.each([['PING'], ['GET', 'bg:state'], ['SET', 'bg:revoked:all', '0'], ['FLUSHALL']])(
  'the composed Redis refuses %s without a password',
  async (...words) => {
    await expect(server.cli(...words)).rejects.toThrow('NOAUTH')
  },
)

it('the composed Redis has no default user that a password could open', async () => {
  for (const password of ['', 'none', PASSWORD]) {
    const words = ['--user', 'default', '--pass', password, 'PING']
    await expect(redisCli('-p', String(server.port), ...words)).rejects.toThrow(/NOAUTH|WRONGPASS/)
  }
})

it('the health check of the composed Redis passes, and its user may do nothing else', async () => {
  const { services } = parse(readFileSync(join(HOME, 'docker-compose.yml'), 'utf8'), {
    merge: true,
  })
  const [kind, command] = services.redis.healthcheck.test
  expect(kind).toBe('CMD-SHELL')
  const here = String(command).replace('redis-cli ', `redis-cli -p ${server.port} `)
  expect(spawnSync('sh', ['-c', here]).status).toBe(0)
  for (const words of [['GET', 'bg:state'], ['SET', 'bg:state', '0'], ['INFO'], ['ACL', 'LIST']]) {
    await expect(as('brickgate-health', ...words)).rejects.toThrow('NOPERM')
  }
})

it('the health check of the composed Redis fails while it does not answer', async () => {
  const { services } = parse(readFileSync(join(HOME, 'docker-compose.yml'), 'utf8'), {
    merge: true,
  })
  const nowhere = String(services.redis.healthcheck.test[1]).replace(
    'redis-cli ',
    'redis-cli -p 1 ',
  )
  expect(spawnSync('sh', ['-c', nowhere]).status).not.toBe(0)
})

it('the users of sidecar and operator reach the keys of the gateway and no others', async () => {
  for (const user of ['brickgate', 'brickgate-operator']) {
    expect(await as(user, 'SET', 'bg:revoked:all', '0')).toBe('OK')
    await expect(as(user, 'SET', 'other', '0')).rejects.toThrow('NOPERM')
  }
})
