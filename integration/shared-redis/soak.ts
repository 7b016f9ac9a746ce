import { startFaultFixture } from './fault-fixture.ts'
import { FAULTS } from './faults.ts'
import { startGateways } from './gateways.ts'
import { type Percentiles, percentiles } from './percentiles.ts'
import { type Amount, revokeUnderLoad, type WatchedLag } from './revocations.ts'
import { runFault } from './under-fault.ts'
import { lagOf, type Verdict, verdictOf } from './verdict.ts'

/** Faults, a line for each request. */
interface Wrongs {
  readonly late_allows: Verdict['lateAllows']
  readonly wrong_answers: Verdict['wrongAnswers']
}

export interface RevocationsReport extends Amount, Wrongs {
  readonly requests: number
  /** from the acknowledgement of a revocation to the last request sent that was allowed */
  readonly lag_ms: Percentiles
  /** from the same to the last answer that allowed, which may have been under way */
  readonly lag_until_answered_ms: Percentiles
  readonly lag_ms_by_kind: Readonly<Record<string, Percentiles>>
  readonly lag_ms_by_tool: Readonly<Record<string, Percentiles>>
  readonly answer_ms: Percentiles
}

export interface FaultReport extends Wrongs {
  readonly name: string
  readonly requests: number
  readonly revocations: number
  /** from its end until everybody in good standing was served */
  readonly recovered_after_ms: number
  /** as of the other revocations */
  readonly lag_ms: Percentiles
}

type Print = (line: string) => void

const BOUND_MS = 2000
const AIM_P99_MS = 10

export async function soakRevocations(amount: Amount, print: Print): Promise<RevocationsReport> {
  const gateways = await startGateways()
  try {
    const run = await revokeUnderLoad(gateways, amount, BOUND_MS)
    const report = {
      ...amount,
      requests: run.outcomes.length,
      lag_ms: percentiles(run.lags.map(({ sentMs }) => sentMs)),
      lag_until_answered_ms: percentiles(run.lags.map(({ answeredMs }) => answeredMs)),
      lag_ms_by_kind: percentilesBy(run.lags, ({ kind }) => kind),
      lag_ms_by_tool: percentilesBy(run.lags, ({ by }) => by),
      answer_ms: percentiles(run.outcomes.map(({ sentMs, answeredMs }) => answeredMs - sentMs)),
      ...wrongs(verdictOf({ ...run, boundMs: BOUND_MS })),
    }
    print(`${report.requests} requests to two gateways, ${amount.revocations} revocations`)
    print(`revocation noticed after ${inWords(report.lag_ms)} (aim: p99 ≤ ${AIM_P99_MS} ms)`)
    print(`its last allowed answer  ${inWords(report.lag_until_answered_ms)}`)
    print(`request answered after   ${inWords(report.answer_ms)}`)
    print(`allowed later than ${BOUND_MS} ms after revocation: ${inNumbers(report)}`)
    return report
  } finally {
    await gateways.stop()
  }
}

export async function soakFaults(print: Print): Promise<readonly FaultReport[]> {
  const fixture = await startFaultFixture()
  try {
    const reports: FaultReport[] = []
    for (const [turn, fault] of FAULTS.entries()) {
      const run = await runFault(fixture, fault, turn)
      const report = {
        name: fault.name,
        requests: run.outcomes.length,
        revocations: run.revocations.length,
        recovered_after_ms: run.recoveredMs - run.endedMs,
        lag_ms: percentiles(run.revocations.map((one) => lagOf(one, run.outcomes).sentMs)),
        ...wrongs(verdictOf(run)),
      }
      reports.push(report)
      print(`${fault.name}: recovered after ${report.recovered_after_ms.toFixed(0)} ms`)
      print(`  revocation noticed after ${inWords(report.lag_ms)}`)
      print(`  allowed later than ${run.boundMs} ms after revocation: ${inNumbers(report)}`)
    }
    return reports
  } finally {
    await fixture.stop()
  }
}

function wrongs({ lateAllows, wrongAnswers }: Verdict): Wrongs {
  return { late_allows: lateAllows, wrong_answers: wrongAnswers }
}

function percentilesBy(
  lags: readonly WatchedLag[],
  what: (lag: WatchedLag) => string,
): Readonly<Record<string, Percentiles>> {
  const groups = [...Map.groupBy(lags, what)]
  return Object.fromEntries(
    groups.map(([name, group]) => [name, percentiles(group.map(({ sentMs }) => sentMs))]),
  )
}

function inWords({ p50, p99, max }: Percentiles): string {
  return `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`
}

function inNumbers({ late_allows, wrong_answers }: Wrongs): string {
  return `${late_allows.length}, wrong answers: ${wrong_answers.length}`
}
