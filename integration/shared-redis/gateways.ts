import { type StackClient, stackClient } from '../harness/client.ts'
import { type KeptConnections, keepConnections } from '../harness/kept-connections.ts'
import { type StackOptions, startStack, stopStack } from '../harness/stack.ts'

/** A whole gateway: its own lighttpd, egress and sidecar. */
export interface Gateway {
  readonly stack: StackClient
  readonly connections: KeptConnections
}

/** Two gateways that share one Redis, one OpenID provider, one workspace and the session key. */
export interface Gateways {
  /** the first owns what both share */
  readonly both: readonly [Gateway, Gateway]
  stop(): Promise<void>
}

const AT_ONCE = 64

/** @param options of both */
export async function startGateways(options: StackOptions = {}): Promise<Gateways> {
  const first = gateway(await startStack(options))
  try {
    const second = gateway(await startStack({ ...options, sharing: first.stack.info }))
    return {
      both: [first, second],
      async stop() {
        await stopGateway(second)
        await stopGateway(first)
      },
    }
  } catch (error) {
    await stopGateway(first)
    throw error
  }
}

function gateway(info: StackClient['info']): Gateway {
  const stack = stackClient(info)
  return { stack, connections: keepConnections(stack.listener(), AT_ONCE) }
}

async function stopGateway({ stack, connections }: Gateway): Promise<void> {
  await connections.close()
  stack.close()
  await stopStack(stack.info)
}
