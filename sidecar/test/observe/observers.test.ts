import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuditLog } from '../../src/observe/audit.ts'
import { createDecisionObserver } from '../../src/observe/decision-observer.ts'
import { createLog, type Logger } from '../../src/observe/log.ts'
import { createWorkerMetrics, type WorkerMetrics } from '../../src/observe/metrics.ts'
import { redisObserver, stateObserver } from '../../src/observe/state-observers.ts'
import { allowEvent, unreadableEvent } from './decision-event-fixture.ts'

let metrics: WorkerMetrics
let log: Logger
let lines: Record<string, unknown>[]

beforeEach(() => {
  metrics = createWorkerMetrics()
  lines = []
  log = createLog('test', { write: (line) => void lines.push(JSON.parse(line)) })
})

afterEach(() => vi.useRealTimers())

describe('a decision', () => {
  it('is counted by outcome, reason, tier and credential, timed and recorded', async () => {
    const recorded: unknown[] = []
    const observer = createDecisionObserver(metrics, auditLog(recorded), log)
    observer.decided(allowEvent())
    observer.decided(unreadableEvent())
    expect(recorded).toHaveLength(2)
    const page = await metrics.registry.metrics()
    expect(page).toContain(
      'brickgate_decisions_total{decision="allow",reason="allowed",tier="internal",credential="session"} 1\n',
    )
    expect(page).toContain(
      'brickgate_decisions_total{decision="deny",reason="bad-request",tier="external",credential="none"} 1\n',
    )
    expect(page).toContain('brickgate_decision_duration_seconds_sum{decision="allow"} 0.000321\n')
  })

  it('that cannot be recorded is logged and counted as dropped, and throws at nobody', async () => {
    const broken: AuditLog = {
      record() {
        throw new Error('no disk')
      },
      flush: () => undefined,
    }
    const observer = createDecisionObserver(metrics, broken, log)
    observer.decided(allowEvent())
    expect(lines).toMatchObject([{ level: 50, err: { message: 'no disk' } }])
    expect(await metrics.registry.metrics()).toContain('brickgate_audit_dropped_total 1\n')
  })

  it('that failed is logged with its cause', () => {
    const observer = createDecisionObserver(metrics, auditLog([]), log)
    observer.failed(new Error('a defect', { cause: new TypeError('within') }))
    expect(lines).toMatchObject([{ level: 50, err: { cause: { message: 'within' } } }])
  })
})

describe('a value in Redis that refuses', () => {
  it('is counted each time, and logged once a second of each kind', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const observer = stateObserver(metrics, log)
    observer.anomaly('malformed', 'bg:revoked:all')
    observer.anomaly('malformed', 'bg:revoked:issuer:okta')
    observer.anomaly('wrong-type', 'bg:revoked:all')
    vi.advanceTimersByTime(999)
    observer.anomaly('malformed', 'bg:revoked:all')
    expect(lines.map(({ kind, key }) => [kind, key])).toEqual([
      ['malformed', 'bg:revoked:all'],
      ['wrong-type', 'bg:revoked:all'],
    ])
    vi.advanceTimersByTime(1)
    observer.anomaly('malformed', 'bg:state')
    expect(lines.at(-1)).toMatchObject({ kind: 'malformed', key: 'bg:state' })
    const page = await metrics.registry.metrics()
    expect(page).toContain('brickgate_state_anomalies_total{kind="malformed"} 4\n')
    expect(page).toContain('brickgate_state_anomalies_total{kind="wrong-type"} 1\n')
  })
})

describe('brickgate_redis_up', () => {
  it.each([
    ['before anything is known', () => undefined, 0],
    ['once connected', (redis: Redis) => redis.connected(true), 1],
    [
      'when the connection goes',
      (redis: Redis) => (redis.connected(true), redis.connected(false)),
      0,
    ],
    [
      'when a command fails',
      (redis: Redis) => (redis.connected(true), redis.commandsEnded(0.3, 'late')),
      0,
    ],
    ['when a command is answered', (redis: Redis) => redis.commandsEnded(0.001, null), 1],
  ] as const)('%s', async (_when, happens, value) => {
    happens(redisObserver(metrics, log))
    expect(await metrics.registry.metrics()).toContain(`brickgate_redis_up ${value}\n`)
  })
})

type Redis = ReturnType<typeof redisObserver>

function auditLog(recorded: unknown[]): AuditLog {
  return { record: (event) => void recorded.push(event), flush: () => undefined }
}
