import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { runDirectory } from '../../launch/deployment.ts'
import { HOME } from '../../launch/gateway.ts'
import { startGateways } from './gateways.ts'
import { type Percentiles, percentiles } from './percentiles.ts'
import { type Lag, revokeUnderLoad } from './revocations.ts'
import { judge } from './verdict.ts'

const BOUND_MS = 2000
const AMOUNT = { requestsPerSecond: 500, revocations: 300, seconds: 60, commandEvery: 11 }
const AIM_P99_MS = 10

const gateways = await startGateways()
try {
  const run = await revokeUnderLoad(gateways, AMOUNT, BOUND_MS)
  const verdict = judge({ ...run, boundMs: BOUND_MS })
  const report = {
    ...AMOUNT,
    requests: run.outcomes.length,
    lag_ms: percentiles(run.lags.map(({ lagMs }) => lagMs)),
    lag_ms_by_kind: percentilesBy(run.lags, ({ kind }) => kind),
    lag_ms_by_tool: percentilesBy(run.lags, ({ by }) => by),
    answer_ms: percentiles(run.outcomes.map(({ sentMs, answeredMs }) => answeredMs - sentMs)),
    late_allows: verdict.lateAllows,
    wrong_answers: verdict.wrongAnswers,
    processors: availableParallelism(),
    load_average: loadavg(),
  }
  const file = join(runDirectory(HOME), 'soak.json')
  mkdirSync(runDirectory(HOME), { recursive: true })
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`)
  process.stdout.write(
    `${report.requests} requests to two gateways, ${AMOUNT.revocations} revocations\n` +
      `revocation noticed after: ${inWords(report.lag_ms)} (aim: p99 ≤ ${AIM_P99_MS} ms)\n` +
      `request answered after:   ${inWords(report.answer_ms)}\n` +
      `allowed later than ${BOUND_MS} ms after revocation: ${verdict.lateAllows.length}; ` +
      `wrong answers: ${verdict.wrongAnswers.length}\n` +
      `report: ${file}\n`,
  )
  process.exitCode = verdict.lateAllows.length + verdict.wrongAnswers.length > 0 ? 1 : 0
} finally {
  await gateways.stop()
}

function percentilesBy(
  lags: readonly Lag[],
  what: (lag: Lag) => string,
): Readonly<Record<string, Percentiles>> {
  const groups = [...Map.groupBy(lags, what)]
  return Object.fromEntries(
    groups.map(([name, group]) => [name, percentiles(group.map(({ lagMs }) => lagMs))]),
  )
}

function inWords({ p50, p99, max }: Percentiles): string {
  return `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`
}
