import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { kill as signal } from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { HOME } from '../../launch/gateway.ts'
import { type Caller, callers, isVerdict, type Outcome, startLoad } from '../supervision/load.ts'
import { docker } from './docker.ts'
import { type ComposeProject, composeProject } from './project.ts'
import { listed, untilServing } from './until-serving.ts'

const { missing } = inject('containers')

/** Commands that take a container down, and the state that docker then prints. */
const FAILURES = [
  ['stop', 'exited'],
  ['kill', 'exited'],
  ['pause', 'paused'],
] as const
const HEALTH_SHOWS = { timeout: 40_000, interval: 500 }

const SERVICES = ['sidecar', 'redis', 'egress', 'lighttpd'] as const

/**
 * Nobody's verdict: the answer of a gateway that cannot judge, or cannot forward; 0 is none at all.
 */
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
    '%s crashes: nobody is let in, and the engine starts it again',
    async (service) => {
      const [crashing = ''] = await project.containers(service)
      const before = await startedAt(crashing)
      // its process; `docker kill` means to the engine that it shall stay dead
      const outcomes = await during(async () => signal(await hostPid(crashing), 'SIGKILL'))
      expect(await startedAt(crashing)).not.toBe(before)
      await expectNobodyLetIn(outcomes)
    },
  )

  describe('on a host that runs keep.sh', () => {
    let keeper: ChildProcess
    beforeAll(() => {
      keeper = spawn(join(HOME, 'launch/keep.sh'), [project.name], { stdio: 'ignore' })
    })
    afterAll(() => void keeper.kill())

    describe.each(SERVICES)('%s', (service) => {
      it.each(FAILURES)(
        'on a host that runs keep.sh, after `docker %s`: nobody is let in, it shows as %s, and it comes back',
        async (command, state) => {
          const outcomes = await during(async () => {
            await docker([command, ...(await project.containers(service))])
            expect(await statesOf(service)).toContain(state)
          })
          await expectNobodyLetIn(outcomes)
        },
      )
    })
  })

  it('Redis is away: sidecars are unhealthy, and the others are not', async () => {
    await project.compose('stop', 'redis')
    const health = async (): Promise<readonly (string | undefined)[]> =>
      Promise.all(['sidecar', 'lighttpd', 'egress'].map(healthOf))
    try {
      await expect.poll(health, HEALTH_SHOWS).toEqual(['unhealthy', 'healthy', 'healthy'])
    } finally {
      await project.compose('start', 'redis')
    }
    await untilServing(project)
  })

  async function statesOf(service: string): Promise<readonly string[]> {
    return (await listed(project))
      .filter((one) => one.Service === service)
      .map(({ State }) => State)
  }

  async function healthOf(service: string): Promise<string | undefined> {
    return (await listed(project)).find((one) => one.Service === service)?.Health
  }

  async function startedAt(id: string): Promise<string> {
    return docker(['inspect', '--format', '{{.State.StartedAt}}', id])
  }

  /** The number that a container's first process has on this host, without Docker's own. */
  async function hostPid(id: string): Promise<number> {
    const processes = (await docker(['top', id, '-o', 'pid,comm'])).split('\n').slice(1)
    const first = processes.find((line) => !line.includes('docker-init'))
    const pid = Number(first?.trim().split(/\s+/)[0])
    if (!(pid > 1)) throw new Error(`no process of ${id} is known`) // 0 would be the tests' own
    return pid
  }

  /** Load while something happens, and until the gateway serves as before: without a hand. */
  async function during(action: () => Promise<unknown>): Promise<readonly Outcome[]> {
    const load = startLoad(project, everyone)
    await pause(500)
    await action()
    await pause(1500)
    await untilServing(project)
    return load.stop()
  }

  async function expectNobodyLetIn(outcomes: readonly Outcome[]): Promise<void> {
    const wrong = outcomes.filter(
      (outcome) => !isVerdict(outcome) && !NO_VERDICT.has(outcome.status),
    )
    expect(wrong).toEqual([])
    const seen = await project.upstreamRequests()
    const callers = seen.map(({ target }) =>
      new URLSearchParams(target.split('?')[1]).get('caller'),
    )
    // a probe of health has no caller
    expect(callers.filter((caller) => caller !== null && caller !== 'alice')).toEqual([])
  }
})
