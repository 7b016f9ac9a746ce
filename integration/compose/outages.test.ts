import { setTimeout as pause } from 'node:timers/promises'
import { beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { type Caller, callers, isVerdict, type Outcome, startLoad } from '../supervision/load.ts'
import { docker, inspect } from './docker.ts'
import { type ComposeProject, composeProject } from './project.ts'
import { listed, untilServing } from './until-serving.ts'

const { missing } = inject('containers')

const SERVICES = ['sidecar', 'redis', 'egress', 'lighttpd'] as const

/** Nobody's verdict: the answer of a gateway that cannot judge, or cannot forward; 0 is none at all. */
const NO_VERDICT: ReadonlySet<number> = new Set([0, 502, 503, 504])

describe.skipIf(missing !== null)('when a container fails', () => {
  let project: ComposeProject
  let everyone: readonly [Caller, ...Caller[]]
  beforeAll(async () => {
    project = await composeProject('a', { sidecars: 2 })
    everyone = await callers(project)
  })
  beforeEach(async () => {
    await untilServing(project)
    await project.forgetUpstreamRequests()
  })

  it.each(SERVICES)(
    '%s was killed: nobody is let in, and it comes back by itself',
    async (service) => {
      const outcomes = await during(async () => {
        // its process, as a crash or the kernel would; `docker kill` means that it shall stay dead
        const [described] = await inspect(...(await firstOf(service)))
        process.kill(described?.State.Pid ?? 0, 'SIGKILL')
        await pause(1500)
      })
      await expectNobodyLetIn(outcomes)
      await untilServing(project)
    },
  )

  it.each(SERVICES)('%s was stopped: nobody is let in, and it shows', async (service) => {
    const ids = await firstOf(service)
    const outcomes = await during(async () => {
      await docker(['stop', ...ids])
      expect(await statesOf(service)).toContain('exited')
      await docker(['start', ...ids])
    })
    await expectNobodyLetIn(outcomes)
    await untilServing(project)
  })

  it.each(SERVICES)('%s hangs: nobody is let in, and it shows', async (service) => {
    const ids = await firstOf(service)
    const outcomes = await during(async () => {
      await docker(['pause', ...ids])
      await pause(2000)
      expect(await statesOf(service)).toContain('paused')
      await docker(['unpause', ...ids])
    })
    await expectNobodyLetIn(outcomes)
    await untilServing(project)
  })

  it('Redis is away: sidecars are unhealthy, and the others are not', async () => {
    await project.compose('stop', 'redis')
    const health = async (): Promise<object> =>
      Object.fromEntries((await listed(project)).map(({ Service, Health }) => [Service, Health]))
    await expect
      .poll(health, { timeout: 40_000, interval: 500 })
      .toMatchObject({ sidecar: 'unhealthy', lighttpd: 'healthy', egress: 'healthy' })
    await project.compose('start', 'redis')
    await untilServing(project)
  })

  /** All sidecars, for one of two is not missed: see under-load.test.ts. */
  function firstOf(service: string): Promise<readonly string[]> {
    return project.containers(service)
  }

  async function statesOf(service: string): Promise<readonly string[]> {
    return (await listed(project))
      .filter((one) => one.Service === service)
      .map(({ State }) => State)
  }

  async function during(action: () => Promise<unknown>): Promise<readonly Outcome[]> {
    const load = startLoad(project, everyone)
    await pause(500)
    await action()
    await pause(500)
    return load.stop()
  }

  async function expectNobodyLetIn(outcomes: readonly Outcome[]): Promise<void> {
    const wrong = outcomes.filter(
      (outcome) => !isVerdict(outcome) && !NO_VERDICT.has(outcome.status),
    )
    expect(wrong).toEqual([])
    const seen = await project.upstreamRequests()
    expect(seen.filter(({ target }) => !target.endsWith('?caller=alice'))).toEqual([])
  }
})
