import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BOUND_MS, type FaultFixture, startFaultFixture } from './fault-fixture.ts'
import { FAULTS } from './faults.ts'
import { type FaultRun, runFault } from './under-fault.ts'
import { type Outcome, overlaps, verdictOf } from './verdict.ts'

const RECOVERY_MS = 5000
/** For what a busy machine adds to a bound of time. */
const SLACK_MS = 500

let fixture: FaultFixture

beforeAll(async () => {
  fixture = await startFaultFixture()
})

afterAll(() => fixture.stop())

// Each run happens once, so that a test that is tried again does not make up for what it found.
describe.each(FAULTS)('$name:', (fault) => {
  let run: FaultRun

  beforeAll(async () => {
    run = await runFault(fixture, fault, FAULTS.indexOf(fault))
  })

  it('no revoked credential is allowed later than the staleness bound', () => {
    expect(run.revocations).toHaveLength(run.cast.victims.length)
    expect(verdictOf(run).lateAllows).toEqual([])
  })

  it('a caller who is not revoked is allowed, or gets a 503 during the fault', () => {
    expect(verdictOf(run).wrongAnswers).toEqual([])
  })

  it('few have to come again, or nobody is allowed beyond the bound', () => {
    const whileItLasts = run.outcomes.filter(
      ({ sentMs }) => sentMs > run.beganMs && sentMs < run.endedMs - SLACK_MS,
    )
    if (fault.noticed === 'by all') {
      const beyond = whileItLasts.filter(({ sentMs }) => sentMs > run.beganMs + BOUND_MS + SLACK_MS)
      expect(share(beyond, ({ status }) => status === 200)).toBe(0)
    } else {
      // a Redis that hangs is slow for the witness of stalls, too, which excuses nobody from
      // noticing little
      const stalls = fault.noticed === 'not' ? run.stalls : []
      const unstalled = whileItLasts.filter((one) => !stalls.some((stall) => overlaps(one, stall)))
      expect(share(unstalled, ({ status }) => status === 503)).toBeLessThan(0.1)
    }
  })

  it('everybody is served again soon after, from near caches that are fresh', async () => {
    expect(run.recoveredMs - run.endedMs).toBeLessThan(RECOVERY_MS)
    for (const { stack } of fixture.gateways.both) {
      const staleness = async (): Promise<number> =>
        (await stack.metrics()).get('brickgate_state_staleness_seconds') ?? Number.NaN
      await expect.poll(staleness, { timeout: RECOVERY_MS }).toBeLessThan(BOUND_MS / 1000)
    }
  })
})

/** 0 for none at all */
function share(outcomes: readonly Outcome[], matches: (outcome: Outcome) => boolean): number {
  return outcomes.filter(matches).length / Math.max(1, outcomes.length)
}
