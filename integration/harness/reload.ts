import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parse, stringify } from 'yaml'
import type { StackClient } from './client.ts'
import { type LogLine, sidecarLog, workersOf } from './processes.ts'

/** A YAML document that was parsed. */
export type Document = Record<string, unknown>

/** Files that a running sidecar takes up when they change. */
export type WatchedFile = 'brickgate.yaml' | 'policy.yaml'

const WITHIN_MS = 60_000

/** How often a changed configuration was taken up or rejected. */
export async function reloads(stack: StackClient, result: 'ok' | 'error'): Promise<number> {
  const samples = await stack.metrics()
  return samples.get(`brickgate_config_reloads_total{result="${result}"}`) ?? 0
}

/** Rewrites a file; for a stack of one's own. */
export function edit(
  { info }: StackClient,
  name: WatchedFile,
  change: (document: Document) => Document,
): void {
  const file = join(info.demo.directory, name)
  const document = parse(readFileSync(file, 'utf8')) as Document
  writeFileSync(file, stringify(change(document)))
}

/**
 * Rewrites a file and waits until every authorizer works by it.
 *
 * @throws when that takes over a minute
 */
export async function reloadWith(
  stack: StackClient,
  name: WatchedFile,
  change: (document: Document) => Document,
): Promise<void> {
  const before = sidecarLog(stack.info).filter(isTakenUp).length
  edit(stack, name, change)
  const giveUpMs = Date.now() + WITHIN_MS
  while (!isInForce(stack, before + 1)) {
    if (Date.now() > giveUpMs) throw new Error(`${name} was not taken up`)
    await pause(50)
  }
}

/**
 * Whether so many configurations were taken up, and only workers are left that came after the last.
 */
function isInForce({ info }: StackClient, count: number): boolean {
  const log = sidecarLog(info)
  if (log.filter(isTakenUp).length < count) return false
  const older = new Set(log.slice(0, log.findLastIndex(isTakenUp)).map(({ pid }) => pid))
  const now = workersOf(info, 'authorizer')
  return now.length === info.config.runtime.workers && now.every(({ pid }) => !older.has(pid))
}

function isTakenUp({ msg }: LogLine): boolean {
  return msg === 'the configuration was taken up'
}
