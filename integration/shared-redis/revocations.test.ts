import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Gateways, startGateways } from './gateways.ts'
import { percentiles } from './percentiles.ts'
import { type RevocationsUnderLoad, revokeUnderLoad } from './revocations.ts'
import { verdictOf } from './verdict.ts'

const BOUND_MS = 2000
const KINDS = 8
const AMOUNT = { requestsPerSecond: 100, revocations: 60, seconds: 20, commandEvery: 5 }

let gateways: Gateways
let run: RevocationsUnderLoad

// The run happens once, so that a test that is tried again does not make up for what it found.
beforeAll(async () => {
  gateways = await startGateways()
  run = await revokeUnderLoad(gateways, AMOUNT, BOUND_MS)
})

afterAll(() => gateways.stop())

it('no revoked credential is allowed later than the staleness bound', () => {
  expect(run.revocations).toHaveLength(AMOUNT.revocations)
  for (const by of ['redis-cli', 'brickgate'] as const) {
    const kinds = run.lags.filter((lag) => lag.by === by).map(({ kind }) => kind)
    expect(new Set(kinds).size).toBe(KINDS)
  }
  expect(verdictOf({ ...run, boundMs: BOUND_MS }).lateAllows).toEqual([])
})

it('a caller who is not revoked sees no error, and each caller only its own answers', () => {
  expect(run.outcomes.length).toBeGreaterThan(AMOUNT.requestsPerSecond * AMOUNT.seconds)
  expect(verdictOf({ ...run, boundMs: BOUND_MS }).wrongAnswers).toEqual([])
})

it('revocations of every kind are noticed long before the bound', () => {
  const { p50 } = percentiles(run.lags.map(({ sentMs }) => sentMs))
  expect(p50).toBeLessThan(50)
})
