import { Redis } from 'ioredis'
import { GenericContainer } from 'testcontainers'
import { describe, inject } from 'vitest'
import { describeKeyValues } from '../../sidecar/test/contract/key-values-contract.ts'
import { type Implementation, inRedis } from '../../sidecar/test/contract/key-values-under-test.ts'
import { documentedUsers, PASSWORD } from '../../sidecar/test/support/documented-users.ts'
import type { RedisDeployment } from '../../sidecar/test/support/redis-deployments.ts'

const { missing } = inject('containers')

// Ryuk ends what a crashed test left, by an image of its own; these containers end with their
// tests.
process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true'

const PORT = 6379
const IMPLEMENTATIONS: readonly Implementation[] = [
  ['Redis 7 in a container', () => inRedis(() => inContainer('redis:7.0', 'redis-server'))],
  ['Redis 8 in a container', () => inRedis(() => inContainer('redis:8.0', 'redis-server'))],
  ['Valkey in a container', () => inRedis(() => inContainer('valkey/valkey:8.1', 'valkey-server'))],
]

describe.skipIf(missing !== null)('the stores in containers', () => {
  describeKeyValues(IMPLEMENTATIONS)
})

/** With the user that docs/redis.md has for sidecars. */
async function inContainer(image: string, program: string): Promise<RedisDeployment> {
  const container = await new GenericContainer(image)
    .withEntrypoint([program])
    .withCommand([
      '--protected-mode',
      'no',
      '--appendonly',
      'yes',
      '--maxmemory-policy',
      'noeviction',
    ])
    .withExposedPorts(PORT)
    .start()
  const port = container.getMappedPort(PORT)
  const operator = new Redis(port, container.getHost())
  const [acl, ...words] = documentedUsers().sidecar
  await operator.call(acl, ...words)
  return {
    redis: {
      url: `redis://${container.getHost()}:${port}`,
      username: 'brickgate',
      password: PASSWORD,
    },
    command: (name, ...args) => operator.call(name, ...args),
    flush: async () => void (await operator.flushall()),
    async stop() {
      operator.disconnect()
      await container.stop()
    },
  }
}
