import { symlinkSync } from 'node:fs'
import { type Gate, type GateOptions, startGate } from '../harness/gate.ts'
import { socketPath } from '../harness/processes.ts'
import type { StackInfo } from '../harness/stack.ts'

/** A lighttpd with settings of its own, before the sidecar and the egress of a stack. */
export async function startOwnGate(info: StackInfo, options: GateOptions): Promise<Gate> {
  const gate = await startGate(info, options)
  for (const name of ['authorizer-internal-0', 'authorizer-external-0', 'responder-0']) {
    symlinkSync(socketPath(info, name), gate.socket(name))
  }
  return gate
}
