import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { makeSession } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { shippedRules } from './alert-rules.ts'
import { dashboards, filledIn, panelQueries } from './dashboard.ts'
import { type Prometheus, startPrometheus } from './prometheus.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const WITHIN = { timeout: 30_000, interval: 500 }

/** Metrics that have samples only after a failure, or after days. */
const NEEDS_MORE = /slo_errors|usual1d|status=~?"5|brickgate_state_anomalies_total/

let stack: StackClient
let prometheus: Prometheus
let over: AbortController

beforeAll(async () => {
  stack = stackClient(sharedStack())
  prometheus = await startPrometheus(stack.info)
  over = new AbortController()
  void traffic(over.signal)
})

afterAll(async () => {
  over.abort()
  await prometheus.stop()
  stack.close()
})

/** Something of everything, all the time: rates need two scrapes. */
async function traffic(signal: AbortSignal): Promise<void> {
  const token = await stack.mint({ sub: 'alice', groups: ['analysts'] })
  const session = await makeSession(stack)
  while (!signal.aborted) {
    await stack.sendAs(token, CLUSTERS)
    await stack.sendAs(session.id, CLUSTERS)
    await stack.sendAs('no.jwt.this', CLUSTERS)
    await stack.send('/a%2fb') // refused by lighttpd itself
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

describe.each(panelQueries().map(({ panel, expr }) => [panel, expr] as const))(
  'the panel `%s`',
  (_panel, expr) => {
    it(`a panel of the dashboard asks ${expr}`, async () => {
      if (NEEDS_MORE.test(expr)) expect(await prometheus.query(expr)).toBeInstanceOf(Array)
      else await expect.poll(() => prometheus.query(expr), WITHIN).not.toEqual([])
    })
  },
)

describe('the dashboard', () => {
  it('the dashboard asks for its variables and annotations what Prometheus understands', async () => {
    for (const { templating, annotations } of dashboards()) {
      for (const { definition = '' } of templating.list) {
        const metric = /^label_values\((\w+), instance\)$/.exec(definition)?.[1]
        if (metric !== undefined) expect(await prometheus.query(metric)).toHaveLength(1)
      }
      for (const { expr = '' } of annotations.list) {
        expect(await prometheus.query(filledIn(expr))).toEqual([]) // no alert fires
      }
    }
  })

  it('the dashboard names no metric that the stack does not have', async () => {
    const names = await prometheus.query('count by (__name__) ({__name__=~".+"})')
    const known = new Set(names.map(({ metric }) => metric['__name__']))
    const asked = panelQueries().flatMap(({ expr }) => expr.match(/\b(?:brickgate|haproxy)_\w+/g))
    const unknown = asked.filter((name) => name !== null && !known.has(name))
    expect(unknown.filter((name) => name !== 'brickgate_state_anomalies_total')).toEqual([])
  })
})

describe('each rule', () => {
  it.each(shippedRules().map((rule) => ['alert' in rule ? rule.alert : rule.record, rule.expr]))(
    '%s is understood: %s',
    async (_name, expr = '') => {
      expect(await prometheus.query(expr)).toBeInstanceOf(Array)
    },
  )

  it('each rule is evaluated without an error', async () => {
    const isEvaluated = async (): Promise<boolean> =>
      (await prometheus.health()).every(({ health }) => health !== 'unknown')
    await expect.poll(isEvaluated, WITHIN).toBe(true)
    const rules = await prometheus.health()
    expect(rules).toHaveLength(shippedRules().length)
    expect(rules.filter(({ health }) => health === 'err')).toEqual([])
  })
})
