import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type RedisServer, startRedisServer } from '../../sidecar/test/support/redis-server.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { brickgate } from '../harness/commands.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { unrevokeAll } from './revoking.ts'

let stack: StackClient
let replica: RedisServer

beforeAll(async () => {
  stack = stackClient(sharedStack())
  const { redis } = stack.info.demo.ports
  replica = await startRedisServer('--replicaof', '127.0.0.1', String(redis))
  await vi.waitFor(async () => {
    expect(await replica.cli('INFO', 'replication')).toContain('master_link_status:up')
  }, 10_000)
})

afterAll(async () => {
  await unrevokeAll(stack)
  stack.close()
  await replica.stop()
})

it('`brickgate revoke` fails with 1 until every replica has the revocation, and can be repeated', async () => {
  const subject = `demo|${randomUUID()}`
  const key = `bg:revoked:subject:${subject}`
  replica.pause()
  const early = await brickgate(stack.info, 'revoke', 'subject', subject)
  replica.resume()

  expect([early.code, early.stdout]).toEqual([1, ''])
  expect(early.stderr).toBe(
    `brickgate: ${key} stands, but not on every replica yet: until then a failover could undo it\n`,
  )
  const value = await stack.redis.get(key)
  expect(value).toMatch(/^\d+$/)

  expect((await brickgate(stack.info, 'revoke', 'subject', subject)).code).toBe(0)
  expect(Number(await replica.cli('GET', key))).toBeGreaterThanOrEqual(Number(value))
})
