import { setTimeout as pause } from 'node:timers/promises'
import { beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import {
  type Caller,
  callers,
  expectRightVerdicts,
  isVerdict,
  type Outcome,
  startLoad,
} from '../supervision/load.ts'
import { docker } from './docker.ts'
import { type ComposeProject, composeProject } from './project.ts'
import { untilServing } from './until-serving.ts'

const { missing } = inject('containers')

const BEFORE_AND_AFTER_MS = 1500

describe.skipIf(missing !== null)('100 requests a second to the composed gateway', () => {
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

  it('100 requests a second to the composed gateway all get their answer while one of two sidecars restarts', async () => {
    const [first = ''] = await project.containers('sidecar')
    const outcomes = await during(() => docker(['restart', first]))
    expect(outcomes.filter((outcome) => !isVerdict(outcome))).toEqual([])
    await expectRightVerdicts(project, outcomes)
  })

  it('100 requests a second to the composed gateway all get their answer while lighttpd reloads gracefully', async () => {
    const [lighttpd = ''] = await project.containers('lighttpd')
    const started = async (): Promise<number> => {
      const logs = await project.compose('logs', '--no-log-prefix', 'lighttpd')
      return logs.split('server started').length - 1
    }
    const before = await started()
    const outcomes = await during(async () => {
      await docker(['kill', '--signal', 'USR1', lighttpd])
      await expect.poll(started, { timeout: 20_000, interval: 500 }).toBe(before + 1)
    })
    expect(outcomes.filter((outcome) => !isVerdict(outcome))).toEqual([])
    await expectRightVerdicts(project, outcomes)
  })

  it('100 requests a second to the composed gateway are told to come again while the egress restarts, for the time that it takes', async () => {
    const [egress = ''] = await project.containers('egress')
    const outcomes = await during(() => docker(['restart', egress]))
    await expectRightVerdicts(project, outcomes)
    const missed = outcomes.filter((outcome) => !isVerdict(outcome))
    const [first, last] = [missed[0], missed.at(-1)]
    const lostMs = first && last ? Math.round(last.answeredMs - first.sentMs) : 0
    process.stdout.write(
      `restart of the egress at 100 requests a second: ${missed.length} of ${outcomes.length} told to come again, within ${lostMs} ms\n`,
    )
    expect(lostMs).toBeLessThan(10_000)
  })

  async function during(action: () => Promise<unknown>): Promise<readonly Outcome[]> {
    const load = startLoad(project, everyone)
    await pause(BEFORE_AND_AFTER_MS)
    await action()
    await pause(BEFORE_AND_AFTER_MS)
    return load.stop()
  }
})
