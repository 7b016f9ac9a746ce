import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { LoadedConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { VERSION } from '../config/version.ts'
import { TIERS } from '../domain/tier.ts'
import { createLog, type Logger } from '../observe/log.ts'
import { logWarnings } from './config-warnings.ts'
import { claimSlot, type Slot } from './slots.ts'
import { createSupervisor, type SupervisorDeps } from './supervisor.ts'
import { endOnUnexpected } from './unexpected-end.ts'

/** lighttpd may have a connection on its way when the sockets disappear. */
const UNLINKED_PAUSE_MS = 500
/** That pause, the 10 s after which an undrained worker is killed, and a little more. */
const END_WITHIN_MS = 12_000

/**
 * Runs a sidecar until a signal ends it: supervises its workers, fetches keys for them, and serves
 * the admin pages.
 *
 * @param load reads the configuration, again after a change; when it throws, the configuration in
 *   force stays
 * @throws {ConfigError} when the first load fails; then nothing was started
 */
export async function runPrimary(load: () => LoadedConfig): Promise<void> {
  const endSignal = untilEndSignal() // a signal during the start must clean up
  process.on('SIGHUP', () => undefined) // the handler that reloads comes later
  const first = load()
  const log = createLog('primary')
  endOnUnexpected(log)
  logWarnings(first, log)
  process.umask(0o007) // the sockets are for the group that lighttpd shares
  mkdirSync(first.config.runtime.directory, { recursive: true, mode: 0o750 })
  keepCompiledCode(first.config.runtime.directory)
  const slot = await claimSlot(first.config.runtime.directory)
  try {
    await serveInSlot(first, { load, slot, log }, endSignal)
  } finally {
    slot.release() // otherwise a failed start would never exit, because its claim listens
  }
}

async function serveInSlot(
  first: LoadedConfig,
  deps: SupervisorDeps,
  endSignal: Promise<NodeJS.Signals>,
): Promise<void> {
  const { slot, log } = deps
  const sockets = socketPaths(first.config, slot)
  for (const path of sockets) rmSync(path, { force: true })
  const supervisor = createSupervisor(first, deps)
  try {
    await Promise.race([start(), endSignal])
    log.info({ signal: await endSignal }, 'ending')
    endInTime(log)
    for (const path of sockets) rmSync(path, { force: true })
    await pause(UNLINKED_PAUSE_MS)
  } finally {
    await supervisor.stop()
  }

  async function start(): Promise<void> {
    await supervisor.start()
    log.info({ slot: slot.number, version: VERSION }, 'started')
  }
}

/**
 * Lets workers start in a third of the time, from code that earlier workers compiled. A process
 * that can write there runs code in the sidecar, so the folder belongs to the sidecar alone, not to
 * the group.
 */
function keepCompiledCode(directory: string): void {
  const folder = join(directory, 'code')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
  process.env['NODE_COMPILE_CACHE'] = folder
}

function socketPaths({ runtime }: Config, slot: Slot): string[] {
  const names = [...TIERS.map((tier) => `authorizer-${tier}`), 'responder']
  return names.map((name) => join(runtime.directory, `${name}-${slot.number}.sock`))
}

/** Listens forever: a second signal must not cut short the end that the first began. */
function untilEndSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, resolve)
  })
}

/** The last resort against an unclosed handle, which would keep a process without workers. */
function endInTime(log: Logger): void {
  const timer = setTimeout(() => {
    log.fatal({ left: process.getActiveResourcesInfo() }, 'the end took too long')
    process.exit(1)
  }, END_WITHIN_MS)
  timer.unref()
}
