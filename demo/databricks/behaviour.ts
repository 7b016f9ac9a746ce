import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { parseCall } from '../service/json.ts'

const BehaviourCall = z.strictObject({
  /** a whole path, or with `*` at its end every path that starts so */
  path: z.string().startsWith('/'),
  method: z.string().optional(),
  /** for how many requests; without it until the behaviours are cleared */
  times: z.int().min(1).optional(),
  /** waits first */
  delayMs: z.int().min(0).max(600_000).default(0),
  /** cuts the connection without an answer */
  reset: z.boolean().default(false),
  /** the status of the answer that replaces the endpoint's */
  status: z.int().min(200).max(599).optional(),
  /** an array makes one header of each of its values */
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])).default({}),
  body: z.string().default(''),
  /** cuts the connection after so many bytes of `body` */
  closeAfterBytes: z.int().min(0).optional(),
})
type Behaviour = z.output<typeof BehaviourCall>

/** Misbehaviour on demand, before credentials are looked at. */
export interface Behaviours {
  /**
   * @param call the body of `POST /__sim/behaviour`
   * @throws BadCall
   */
  add(call: unknown): void
  clear(): void
  /** @returns whether the request is dealt with; rejects when the client goes while it waits */
  apply(target: BehaviourTarget, response: ServerResponse, gone: AbortSignal): Promise<boolean>
}

export interface BehaviourTarget {
  readonly method: string
  /** without query */
  readonly path: string
}

const MAX_BEHAVIOURS = 100

export function createBehaviours(): Behaviours {
  let behaviours: Behaviour[] = []
  const take = (target: BehaviourTarget): Behaviour | undefined => {
    const found = behaviours.find((behaviour) => matches(behaviour, target))
    if (found?.times !== undefined) found.times -= 1
    behaviours = behaviours.filter(({ times }) => times !== 0)
    return found
  }
  return {
    add(call) {
      behaviours = [parseCall(BehaviourCall, call), ...behaviours].slice(0, MAX_BEHAVIOURS)
    },
    clear() {
      behaviours = []
    },
    async apply(target, response, gone) {
      const found = take(target)
      if (found === undefined) return false
      await sleep(found.delayMs, undefined, { signal: gone })
      return misbehave(found, response)
    },
  }
}

function matches({ method, path }: Behaviour, target: BehaviourTarget): boolean {
  if (method !== undefined && method !== target.method) return false
  return path.endsWith('*') ? target.path.startsWith(path.slice(0, -1)) : target.path === path
}

function misbehave(behaviour: Behaviour, response: ServerResponse): boolean {
  const { status, headers, body, closeAfterBytes } = behaviour
  if (behaviour.reset) response.destroy()
  if (behaviour.reset || status === undefined) return behaviour.reset
  const bytes = Buffer.from(body)
  response.writeHead(status, { 'Content-Length': bytes.length, ...headers })
  response.flushHeaders()
  if (closeAfterBytes === undefined) {
    response.end(bytes)
  } else {
    response.write(bytes.subarray(0, closeAfterBytes))
    response.socket?.destroySoon()
  }
  return true
}
