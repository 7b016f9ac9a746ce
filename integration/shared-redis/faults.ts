import { setTimeout as pause } from 'node:timers/promises'
import type { StackClient } from '../harness/client.ts'
import { pidOf, start } from '../harness/processes.ts'
import { BOUND_MS, type FaultFixture } from './fault-fixture.ts'
import type { Cast } from './victims.ts'

export interface Fault<Fixture = FaultFixture> {
  readonly name: string
  readonly begin: (fixture: Fixture, cast: Cast) => unknown
  readonly lastsMs: number
  readonly end: (fixture: Fixture) => unknown
  /**
   * Effects on requests: none; a few requests that no worker has answered yet have to
   * come again; or all have to.
   */
  readonly noticed: 'not' | 'by few' | 'by all'
  /** which revocations are tried while it lasts; Redis may reply when it is over */
  readonly revocations: 'all' | 'deletions'
  /** how many of them are made at the same time; a handful when left out */
  readonly revokedAtOnce?: number
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'Redis is killed and comes back with its data',
    begin: ({ stack }) => killRedis(stack),
    lastsMs: 800,
    end: ({ stack }) => start(stack.info, 'redis'),
    noticed: 'by all',
    revocations: 'all',
  },
  {
    name: 'Redis hangs for less than the bound',
    ...{ begin: signalling('SIGSTOP'), lastsMs: 400, end: signalling('SIGCONT') },
    ...{ noticed: 'by few', revocations: 'all' },
  },
  {
    name: 'Redis hangs for longer than the bound',
    ...{ begin: signalling('SIGSTOP'), lastsMs: 2500, end: signalling('SIGCONT') },
    ...{ noticed: 'by all', revocations: 'all' },
  },
  {
    name: 'the tracking connection is cut',
    ...{ begin: ({ proxy }) => proxy.cutOnce(), lastsMs: 500, end: nothing },
    ...{ noticed: 'not', revocations: 'all' },
  },
  {
    name: 'Redis closes the tracking connection',
    begin: ({ stack }) => stack.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    ...{ lastsMs: 500, end: nothing, noticed: 'not', revocations: 'all' },
  },
  {
    name: 'the tracking connection cannot be made',
    begin: ({ proxy }) => proxy.setFate('cut'),
    lastsMs: 2500,
    end: ({ proxy }) => proxy.setFate('pass'),
    ...{ noticed: 'not', revocations: 'all' },
  },
  {
    name: 'the tracking connection is a black hole',
    begin: ({ proxy }) => proxy.setFate('hold'),
    lastsMs: 2500,
    end: ({ proxy }) => proxy.setFate('pass'),
    ...{ noticed: 'not', revocations: 'all' },
  },
  {
    name: 'the tracking connection is slow',
    begin: ({ proxy }) => proxy.setFate({ delayMs: 300 }),
    lastsMs: 1500,
    end: ({ proxy }) => proxy.setFate('pass'),
    ...{ noticed: 'not', revocations: 'all' },
  },
  {
    name: 'the tracking connection is slower than the bound',
    begin: ({ proxy }) => proxy.setFate({ delayMs: 1.5 * BOUND_MS }),
    lastsMs: 2500,
    end: ({ proxy }) => proxy.setFate('pass'),
    ...{ noticed: 'not', revocations: 'all' },
  },
  {
    name: 'the tracking connection is replaced silently',
    ...{ begin: ({ proxy }) => proxy.replaceSilently(), lastsMs: 2000, end: nothing },
    ...{ noticed: 'not', revocations: 'all' },
  },
  {
    name: 'Redis is full and takes no writes',
    begin: ({ stack }) => configure(stack, 'maxmemory', '1mb'),
    lastsMs: 2500,
    end: ({ stack }) => configure(stack, 'maxmemory', '0'),
    ...{ noticed: 'not', revocations: 'deletions' },
  },
]

/** Ends Redis at once, and waits until it is gone. */
export async function killRedis({ info }: StackClient): Promise<void> {
  process.kill(pidOf(info, 'redis'), 'SIGKILL')
  await pause(50)
}

function signalling(name: NodeJS.Signals): Fault['end'] {
  return ({ stack }) => process.kill(pidOf(stack.info, 'redis'), name)
}

async function configure({ redis }: StackClient, setting: string, value: string): Promise<void> {
  await redis.config('SET', setting, value)
}

function nothing(): void {
  // it is over by itself
}
