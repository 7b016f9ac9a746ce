import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parse, stringify } from 'yaml'
import { freePort } from '../../launch/probe.ts'
import { startProcess, stopProcess } from '../../launch/process.ts'
import type { StackInfo } from '../harness/stack.ts'
import { MONITORING, ruleFiles } from './alert-rules.ts'

/** A sample that a query returned. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [timestamp: number, value: string]
}

/** An alert as Prometheus has it. */
export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly state: 'pending' | 'firing'
}

export interface RuleHealth {
  readonly name: string
  readonly health: 'ok' | 'err' | 'unknown'
  readonly lastError?: string
}

/** A real Prometheus that scrapes a stack and evaluates the shipped rules. */
export interface Prometheus {
  /** @throws {Error} with what Prometheus objects to */
  query(expression: string): Promise<readonly Sample[]>
  alerts(): Promise<readonly ActiveAlert[]>
  /** how the evaluation of each rule went, by its name */
  health(): Promise<readonly RuleHealth[]>
  stop(): Promise<void>
}

const SECOND = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' }

/**
 * Starts the shipped `prometheus.yml` with the stack's addresses, everything once a second.
 *
 * @param rules makes of a file of rules the copy that is loaded
 */
export async function startPrometheus(
  info: StackInfo,
  rules: (text: string) => string = hastened,
): Promise<Prometheus> {
  const directory = mkdtempSync(join(tmpdir(), 'brickgate-prometheus-'))
  const port = await freePort()
  mkdirSync(join(directory, 'rules'))
  for (const file of ruleFiles()) {
    writeFileSync(join(directory, 'rules', basename(file)), rules(readFileSync(file, 'utf8')))
  }
  writeFileSync(join(directory, 'prometheus.yml'), stringify(configFor(info)))
  const url = `http://127.0.0.1:${port}`
  const stop = async (): Promise<void> => {
    await stopProcess('prometheus', directory)
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await startProcess(prometheusProcess(directory, url), directory)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    async query(expression) {
      const asked = `${url}/api/v1/query?query=${encodeURIComponent(expression)}`
      const { result } = (await sendRequest(asked)) as { result: Sample[] }
      return result
    },
    async alerts() {
      return ((await sendRequest(`${url}/api/v1/alerts`)) as { alerts: ActiveAlert[] }).alerts
    },
    async health() {
      const { groups } = (await sendRequest(`${url}/api/v1/rules`)) as {
        groups: { rules: RuleHealth[] }[]
      }
      return groups.flatMap(({ rules }) => rules)
    },
    stop,
  }
}

/** How long a window or a wait of a rule is in a test, in seconds. */
const HASTENED: Readonly<Record<string, number>> = { '5m': 10, '10m': 15, '15m': 30, '1d': 30 }

/**
 * A copy of a file of rules for a test that cannot wait: minutes of windows and offsets become
 * seconds, and `for` becomes one second. Everything else stays: expressions, thresholds, labels,
 * annotations.
 */
export function hastened(text: string): string {
  return text
    .replace(/\[(\w+)\]/g, (range, window: string) => `[${seconds(window) ?? range.slice(1, -1)}]`)
    .replace(/offset (\w+)/g, (offset, window: string) => `offset ${seconds(window) ?? offset}`)
    .replace(/^( +for): .*$/gm, '$1: 1s')
}

function seconds(window: string): string | null {
  const count = HASTENED[window]
  return count === undefined ? null : `${count}s`
}

function configFor({ config }: StackInfo): object {
  const shipped = parse(readFileSync(join(MONITORING, 'prometheus.yml'), 'utf8')) as {
    scrape_configs: readonly { job_name: string }[]
  }
  const { listen, egress_listen, lighttpd_listen } = config.admin
  const targets: Readonly<Record<string, string>> = {
    'brickgate-sidecar': listen,
    'brickgate-egress': egress_listen,
    'brickgate-lighttpd': lighttpd_listen,
  }
  return {
    ...shipped,
    global: SECOND,
    scrape_configs: shipped.scrape_configs.map((job) =>
      Object.assign(job, { static_configs: [{ targets: [targets[job.job_name]] }] }),
    ),
  }
}

function prometheusProcess(directory: string, url: string): Parameters<typeof startProcess>[0] {
  return {
    name: 'prometheus',
    command: 'prometheus',
    args: [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=${new URL(url).host}`,
      '--log.level=warn',
    ],
    environment: {},
    isReady: async () => {
      const ready = await fetch(`${url}/-/ready`).catch(() => null)
      return ready?.ok === true
    },
  }
}

async function sendRequest(url: string): Promise<unknown> {
  const answer = (await (await fetch(url)).json()) as {
    status: string
    error?: string
    data: unknown
  }
  if (answer.status !== 'success') throw new Error(answer.error ?? 'Prometheus failed')
  return answer.data
}
