import { freePort } from '../../launch/probe.ts'
import { type FaultProxy, startFaultProxy } from '../service/fault-proxy.ts'
import type { StackClient } from '../stack/client.ts'
import { type Gateways, startGateways } from './gateways.ts'

/** Two gateways whose Redis can be taken from them, and what faults befall. */
export interface FaultScene {
  readonly gateways: Gateways
  /** the gateway whose Redis both use; its `redis` goes around the proxy */
  readonly stack: StackClient
  /** between both gateways and Redis */
  readonly proxy: FaultProxy
  stop(): Promise<void>
}

/** How long a change may go unheard by these gateways. */
export const BOUND_MS = 1000

export async function startFaultScene(): Promise<FaultScene> {
  const redisPort = await freePort()
  const proxy = await startFaultProxy(redisPort)
  const gateways = await startGateways({
    redisPort,
    config: {
      redis: { url: `redis://127.0.0.1:${proxy.port}` },
      revocation: { max_staleness_ms: BOUND_MS },
    },
  })
  return {
    ...{ gateways, stack: gateways.both[0].stack, proxy },
    async stop() {
      await gateways.stop()
      await proxy.close()
    },
  }
}
