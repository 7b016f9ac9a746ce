import { callControl } from '../../demo/service/call-control.ts'
import type { StackClient } from '../harness/client.ts'

/**
 * Has the workspace answer as a behaviour says; the simulator's README.md lists what it can say.
 */
export function behave(stack: StackClient, behaviour: object): Promise<unknown> {
  return callControl(fetch, { method: 'POST', address: addressOf(stack), body: behaviour })
}

export function clearBehaviours(stack: StackClient): Promise<unknown> {
  return callControl(fetch, { method: 'DELETE', address: addressOf(stack) })
}

function addressOf({ info }: StackClient): string {
  return `http://127.0.0.1:${info.demo.ports.control}/__sim/behaviour`
}
