import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { startPaced } from '../harness/pace.ts'
import type { ActiveAlert } from '../monitoring/prometheus.ts'
import { type ComposeProject, composeProject } from './project.ts'
import { untilServing } from './until-serving.ts'

const { missing } = inject('containers')

const DEMO_CONFIG = '/var/lib/brickgate/demo/brickgate.yaml'
const FORGED_PER_SECOND = 100
/** Of the size that fills the memory for records that wait within minutes. */
const LONG_PATH = `/${'a'.repeat(600)}`
/** A window of five minutes, the longest wait, and some scrapes. */
const WITHIN = { timeout: 8 * 60_000, interval: 2000 }

/** The composed Prometheus, with the shipped rules as they are: nothing is hastened. */
describe.skipIf(missing !== null)('alerts of the composed gateway', () => {
  let project: ComposeProject
  let forged: ReturnType<typeof startPaced<number>> | undefined
  const began = Date.now()
  beforeAll(async () => {
    project = await composeProject('alerts')
    await project.compose('up', '--detach', '--wait', '--no-deps', 'prometheus')
  })
  afterAll(() => forged?.stop().catch(() => undefined))

  it('none fires while all is well', async () => {
    expect((await project.sendRequest(project.setting('TOKEN_ALICE'))).status).toBe(200)
    await expect.poll(rulesEvaluated, WITHIN).toBe(true)
    expect((await alerts()).filter(({ state }) => state === 'firing')).toEqual([])
  })

  it('BrickgateAuditDropped: the disk of the audit log is full', async () => {
    await recordTo('/dev/full') // where no byte fits
    forged = startPaced(FORGED_PER_SECOND, async () => {
      const { status } = await project.sendRequest('no.jwt.this', LONG_PATH)
      return status
    })
    await expectFiring('BrickgateAuditDropped', { severity: 'critical' })
    await recordTo('-')
  })

  it('BrickgateRefusalSpike: forged tokens, of which there were none before', async () => {
    await expectFiring('BrickgateRefusalSpike', { reason: 'malformed-token', severity: 'warning' })
  })

  it('BrickgateWorkerRestarts: workers are killed, and come back', async () => {
    for (let times = 0; times < 3; times += 1) {
      const pids = (await workerPids()).toReversed().join(' ')
      const kill = `for pid in ${pids}; do kill -9 $pid 2>/dev/null && exit; done; exit 1`
      await project.compose('exec', '-T', 'sidecar', 'sh', '-c', kill)
      await pause(5000)
    }
    await untilServing(project)
    await expectFiring('BrickgateWorkerRestarts', { role: 'authorizer', severity: 'warning' })
  })

  it('BrickgateStateLost: Redis comes back empty; it ends when an operator accepts the loss', async () => {
    await project.compose('exec', '-T', 'redis', 'sh', '-c', 'rm -r /data/*')
    await project.compose('restart', 'redis')
    await expectFiring('BrickgateStateLost', { severity: 'critical' })
    await project.compose('exec', '-T', 'sidecar', 'brickgate', 'state', 'accept')
    await expectQuiet('BrickgateStateLost')
  })

  it('BrickgateRedisDown and BrickgateStateStale: Redis is stopped; they end with it', async () => {
    await project.compose('stop', 'redis')
    await expectFiring('BrickgateRedisDown', { severity: 'critical' })
    await expectFiring('BrickgateStateStale', { severity: 'critical' })
    await project.compose('start', 'redis')
    await expectQuiet('BrickgateRedisDown')
    await expectQuiet('BrickgateStateStale')
  })

  it('forged tokens were never let in', async () => {
    const statuses = new Set(await forged?.stop())
    expect(statuses).toContain(401)
    expect([...statuses].filter((status) => status !== 401 && status !== 503)).toEqual([])
  })

  /** Has decisions recorded elsewhere; the sidecar takes a changed configuration up by itself. */
  async function recordTo(file: string): Promise<void> {
    const inDemo = (...words: readonly string[]): Promise<string> =>
      project.compose('exec', '-T', 'demo', ...words)
    const before = await inDemo('cat', DEMO_CONFIG)
    const changed = stringify({ ...(parse(before) as object), audit: { file } })
    const encoded = Buffer.from(changed).toString('base64')
    const next = `${DEMO_CONFIG}.next`
    const taken = await reloads()
    await inDemo('sh', '-c', `echo ${encoded} | base64 -d > ${next} && mv ${next} ${DEMO_CONFIG}`)
    await expect.poll(reloads, WITHIN).toBe(taken + 1)
  }

  async function reloads(): Promise<number> {
    const { body } = await project.admin('/metrics')
    return Number(/^brickgate_config_reloads_total\{result="ok"\} (\d+)/m.exec(body)?.[1] ?? 0)
  }

  /** The pids that authorizers have, or had, in their container, by what they logged. */
  async function workerPids(): Promise<readonly string[]> {
    const log = await project.compose('logs', '--no-log-prefix', 'sidecar')
    return [...log.matchAll(/"part":"authorizer-\d+","pid":(\d+)/g)].map(([, pid = '']) => pid)
  }

  async function expectFiring(name: string, labels: object): Promise<void> {
    await expect.poll(() => firing(name), WITHIN).toMatchObject([{ labels }])
    const seconds = Math.round((Date.now() - began) / 1000)
    process.stdout.write(`${name} fires ${seconds} s after the start\n`)
  }

  async function expectQuiet(name: string): Promise<void> {
    await expect.poll(() => firing(name), WITHIN).toEqual([])
  }

  async function firing(name: string): Promise<readonly ActiveAlert[]> {
    return (await alerts()).filter(
      ({ state, labels }) => state === 'firing' && labels['alertname'] === name,
    )
  }

  async function alerts(): Promise<readonly ActiveAlert[]> {
    return ((await project.prometheus('alerts')) as { alerts: readonly ActiveAlert[] }).alerts
  }

  async function rulesEvaluated(): Promise<boolean> {
    const { groups } = (await project.prometheus('rules')) as {
      groups: readonly { readonly rules: readonly { readonly health: string }[] }[]
    }
    return groups.every(({ rules }) => rules.every(({ health }) => health === 'ok'))
  }
})
