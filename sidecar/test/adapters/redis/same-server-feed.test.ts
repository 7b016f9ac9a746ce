import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { openRedis } from '../../../src/adapters/redis/client.ts'
import { serverIdOf } from '../../../src/adapters/redis/primary.ts'
import { createSameServerFeed } from '../../../src/adapters/redis/same-server-feed.ts'
import { redisLog } from '../../support/redis-log.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'

async function aServer(): Promise<RedisServer> {
  const server = await startRedisServer()
  onTestFinished(() => server.stop())
  return server
}

async function runIdOf(server: RedisServer): Promise<string | null> {
  return serverIdOf(await server.cli('INFO'))
}

test('a server is named while commands go there, and none while they go to its successor', async () => {
  const [server, successor] = [await aServer(), await aServer()]
  const settings = { url: server.url, username: null, password: null, ca: null }
  const commands = openRedis(settings, redisLog())
  onTestFinished(() => commands.disconnect())
  const id = await runIdOf(server)
  const feed = createSameServerFeed(
    { stalenessMs: () => 0, serverId: () => id, start: () => undefined, close: () => undefined },
    commands,
  )
  expect(feed.serverId()).toBeNull()
  await expect.poll(feed.serverId).toBe(id)

  commands.options.port = successor.port // as where a failover moved the address
  commands.disconnect(true)
  await once(commands, 'ready')
  const from = performance.now()
  while (performance.now() - from < 200) {
    expect(feed.serverId()).toBeNull()
    await commands.ping()
  }

  commands.options.port = server.port
  commands.disconnect(true)
  await expect.poll(feed.serverId, { timeout: 4000 }).toBe(id)
})
