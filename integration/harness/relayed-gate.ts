import {
  type Answering,
  forwardToSidecar,
  serveAuthorizer,
  type TestAuthorizer,
} from './authorizer.ts'
import { type Gate, type GateOptions, startGate } from './gate.ts'
import { socketPath } from './processes.ts'
import type { StackInfo } from './stack.ts'

/** A gate whose requests to the stack's sidecar go through the test. */
export interface RelayedGate extends Gate {
  readonly authorizer: TestAuthorizer
  /** the same for the external tier */
  readonly externalAuthorizer: TestAuthorizer
  /** how the internal tier's authorizer behaves unless a test changes it */
  readonly sendRequest: Answering
}

/** @throws as `startGate` */
export async function startRelayedGate(
  info: StackInfo,
  options: GateOptions,
): Promise<RelayedGate> {
  const gate = await startGate(info, options)
  const relay = (socket: string): Promise<TestAuthorizer> =>
    serveAuthorizer(gate.socket(socket), forwardToSidecar(socketPath(info, socket)))
  const authorizer = await relay('authorizer-internal-0')
  const externalAuthorizer = await relay('authorizer-external-0')
  return {
    ...gate,
    authorizer,
    externalAuthorizer,
    sendRequest: forwardToSidecar(socketPath(info, 'authorizer-internal-0')),
    async stop() {
      await authorizer.close()
      await externalAuthorizer.close()
      await gate.stop()
    },
  }
}
