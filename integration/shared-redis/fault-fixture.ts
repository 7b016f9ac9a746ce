import { Redis } from 'ioredis'
import { freePort } from '../../launch/probe.ts'
import type { StackClient } from '../harness/client.ts'
import { type FaultProxy, startFaultProxy } from '../harness/fault-proxy.ts'
import { startGateways } from './gateways.ts'
import type { FixtureUnderFault } from './under-fault.ts'

/** Two gateways whose Redis can be taken from them, and what faults befall. */
export interface FaultFixture extends FixtureUnderFault {
  /** the gateway whose Redis both use; its `redis` goes around the proxy */
  readonly stack: StackClient
  /** between both gateways and Redis */
  readonly proxy: FaultProxy
  stop(): Promise<void>
}

/** How long a change may go unheard by these gateways. */
export const BOUND_MS = 1000

export async function startFaultFixture(): Promise<FaultFixture> {
  const redisPort = await freePort()
  const proxy = await startFaultProxy(redisPort)
  const gateways = await startGateways({
    redisPort,
    config: {
      redis: { url: `redis://127.0.0.1:${proxy.port}` },
      revocation: { max_staleness_ms: BOUND_MS },
    },
  })
  const { stack } = gateways.both[0]
  const witness = new Redis(proxy.port, '127.0.0.1')
  witness.on('error', () => undefined) // Redis goes away on purpose
  return {
    ...{ gateways, stack, proxy },
    // to Redis itself, and again when it went away meanwhile
    give: async ([command = '', ...args]) => String(await stack.redis.call(command, ...args)),
    pingRedis: () => witness.ping(),
    async stop() {
      witness.disconnect()
      await gateways.stop()
      await proxy.close()
    },
  }
}
