import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { slotOf } from '../../sidecar/src/adapters/redis/topology.ts'
import {
  behindSentinels,
  inCluster,
  type RedisDeployment,
} from '../../sidecar/test/support/redis-deployments.ts'
import { until } from '../../sidecar/test/support/until.ts'
import { BOUND_MS } from './fault-fixture.ts'
import type { Fault } from './faults.ts'
import { startGateways } from './gateways.ts'
import { type FaultRun, type FixtureUnderFault, runFault, stagesOf } from './under-fault.ts'
import type { Give } from './under-load.ts'
import { verdictOf } from './verdict.ts'
import type { Cast } from './victims.ts'

/** From the death of the primary on, with what the Sentinels take to agree on another. */
const FAILED_OVER_WITHIN_MS = 10_000
/** From the last slot's arrival on. */
const RESHARDED_WITHIN_MS = 2000
const COME_AGAIN_AT_MOST = 0.02

interface Fixture extends FixtureUnderFault {
  stop(): Promise<void>
}

interface SentinelScene extends Fixture {
  /** SIGKILL */
  killPrimary(): Promise<void>
  /** waits until the Sentinels have made the replica the primary */
  successorIsPrimary(): Promise<void>
}

interface ClusterScene extends Fixture {
  /**
   * in turn, and all to the same primary: Redis lets go of keys whose slot another primary
   * claims with a later epoch, which happens to a primary that gives and takes at the same time
   */
  move(slots: readonly number[]): Promise<void>
}

// Each run happens once, so that a test that is tried again does not make up for what it found.
describe('the primary behind Sentinels is killed:', () => {
  let fixture: SentinelScene
  let run: FaultRun

  beforeAll(async () => {
    fixture = await startSentinelScene()
    run = await runFault(fixture, failover, 0)
  })

  afterAll(() => fixture.stop())

  expectRight(() => run)

  it('after the primary behind Sentinels is killed, everybody has to come again until there is another, and is served soon', () => {
    expect(statusesMeanwhile(run)).toContain(503)
    expect(run.recoveredMs - run.beganMs).toBeLessThan(FAILED_OVER_WITHIN_MS)
  })
})

describe('slots of a Cluster get another primary:', () => {
  let fixture: ClusterScene
  let run: FaultRun
  let movedMs: number

  beforeAll(async () => {
    fixture = await startClusterScene()
    const fault = resharding(() => {
      movedMs = performance.now()
    })
    run = await runFault(fixture, fault, 0)
  })

  afterAll(() => fixture.stop())

  expectRight(() => run)

  it('after slots of a Cluster get another primary, hardly anybody notices', () => {
    const statuses = statusesMeanwhile(run)
    const comeAgain = statuses.filter((status) => status === 503)
    expect(statuses.length).toBeGreaterThan(100)
    expect(comeAgain.length / statuses.length).toBeLessThan(COME_AGAIN_AT_MOST)
    expect(run.recoveredMs - movedMs).toBeLessThan(RESHARDED_WITHIN_MS)
  })
})

function expectRight(run: () => FaultRun): void {
  it('no revoked credential is allowed later than the staleness bound', () => {
    const { revocations, cast } = run()
    expect(revocations).toHaveLength(cast.victims.length)
    expect(verdictOf(run()).lateAllows).toEqual([])
  })

  it('a caller who is not revoked is allowed, or gets a 503 during the failover', () => {
    expect(verdictOf(run()).wrongAnswers).toEqual([])
  })
}

function statusesMeanwhile({ outcomes, beganMs, recoveredMs }: FaultRun): readonly number[] {
  const meanwhile = outcomes.filter(({ sentMs }) => sentMs > beganMs && sentMs < recoveredMs)
  return meanwhile.map(({ status }) => status)
}

const failover: Fault<SentinelScene> = {
  name: 'the primary is killed',
  begin: (fixture) => fixture.killPrimary(),
  lastsMs: 1.2 * BOUND_MS, // nobody notices while near caches are fresh
  end: (fixture) => fixture.successorIsPrimary(),
  ...{ noticed: 'by all', revocations: 'all' },
}

/** @param moved told when the last slot has arrived */
function resharding(moved: () => void): Fault<ClusterScene> {
  let moving: Promise<void>
  return {
    name: 'slots are moved',
    begin(fixture, cast) {
      moving = fixture.move(slotsOf(cast)).then(moved)
    },
    lastsMs: 0,
    end: () => moving,
    ...{ noticed: 'by few', revocations: 'all', revokedAtOnce: 1 },
  }
}

/**
 * Of revocations that are written meanwhile, of those that stand, and of sessions that are in use.
 */
function slotsOf(cast: Cast): readonly number[] {
  const { before, meanwhile } = stagesOf(cast)
  const revocations = [...meanwhile, ...before].flatMap(({ redisCli: [, key] }) => key ?? [])
  const sessions = cast.bystanders.filter(({ form }) => form === 'session')
  const keys = [...revocations, ...sessions.map(({ sid }) => `bg:session:${sid}`)]
  return [...new Set(keys.map(slotOf))]
}

async function startSentinelScene(): Promise<SentinelScene> {
  const deployment = await behindSentinels()
  const { primary, replica } = deployment.group
  const successor = new Redis(replica.port, '127.0.0.1')
  successor.on('error', () => 'its clients are cut when it becomes the primary')
  let isPrimaryAlive = true
  const fixture = await startScene(deployment, (args) =>
    isPrimaryAlive ? replicated(deployment, args) : onceItWrites(successor, args),
  )
  return {
    ...fixture,
    async killPrimary() {
      isPrimaryAlive = false
      await primary.kill()
    },
    successorIsPrimary: () =>
      until(async () => (await successor.info('replication')).includes('role:master')),
    async stop() {
      successor.disconnect()
      await fixture.stop()
    },
  }
}

async function startClusterScene(): Promise<ClusterScene> {
  const deployment = await inCluster()
  const { cluster } = deployment
  const target = await cluster.ownerOf(0)
  return {
    ...(await startScene(deployment, (args) => command(deployment, args))),
    async move(slots) {
      for (const slot of slots) {
        const isThere = (await cluster.ownerOf(slot)) === target
        if (!isThere) await cluster.move(slot, target, 0)
      }
    },
  }
}

async function startScene(deployment: RedisDeployment, give: Give): Promise<Fixture> {
  const { redis } = deployment
  const gateways = await startGateways({
    config: { redis, revocation: { max_staleness_ms: BOUND_MS } },
  })
  const { info, mint } = gateways.both[0].stack
  return {
    gateways,
    stack: {
      ...{ info, mint },
      redis: { set: (...args) => command(deployment, ['SET', ...args.map(String)]) },
    },
    give,
    async stop() {
      await gateways.stop()
      await deployment.stop()
    },
  }
}

async function command(
  { command }: RedisDeployment,
  [name = '', ...args]: readonly string[],
): Promise<string> {
  return String(await command(name, ...args))
}

/** Acknowledged by the replica, too: what only the primary has is lost with it. */
async function replicated(deployment: RedisDeployment, args: readonly string[]): Promise<string> {
  const reply = await command(deployment, args)
  const replicas = await command(deployment, ['WAIT', '1', '1000'])
  if (replicas !== '1') throw new Error(`${args.join(' ')}: ${replicas} replicas have it`)
  return reply
}

/** Given as soon as the replica has become the primary. */
async function onceItWrites(
  successor: Redis,
  [name = '', ...args]: readonly string[],
): Promise<string> {
  for (;;) {
    try {
      return String(await successor.call(name, ...args))
    } catch (error) {
      if (!String(error).includes('READONLY')) throw error
    }
    await pause(10)
  }
}
