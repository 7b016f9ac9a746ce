import { spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** A process of a deployment that runs on after its start. */
export interface BackgroundProcess {
  /** names its log, `<name>.log`, and its pid file */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** resolves to true once the process serves; called until then */
  readonly isReady: () => Promise<boolean>
}

const READY_WITHIN_MS = 60_000
const STOP_WITHIN_MS = 15_000
const POLL_EVERY_MS = 50

/**
 * Starts a process in a group of its own, and waits until the process serves.
 *
 * @param directory folder for log and pid file
 * @returns the process id
 * @throws {Error} with the end of the log when the process exits or does not serve within 60 s
 */
export async function startProcess(started: BackgroundProcess, directory: string): Promise<number> {
  mkdirSync(join(directory, 'logs'), { recursive: true })
  mkdirSync(join(directory, 'pids'), { recursive: true })
  const log = openSync(logFile(directory, started.name), 'a', 0o640)
  const child = spawn(started.command, started.args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...inherited(), ...started.environment },
  })
  closeSync(log)
  let ending: string | null = null
  child.once('error', (error) => (ending = error.message))
  child.once('exit', (code, signal) => (ending = `ended with ${code ?? signal}`))
  if (child.pid !== undefined) {
    writeFileSync(pidFile(directory, started.name), `${child.pid} ${startTime(child.pid)}\n`)
  }

  const problem = await untilReady(started, () => ending)
  child.removeAllListeners()
  child.unref()
  if (problem !== null || child.pid === undefined) {
    if (child.pid !== undefined) await endProcess(child.pid)
    throw new Error(`${started.name} ${problem}\n${logEnd(directory, started.name)}`)
  }
  return child.pid
}

/** Stops the process of this name, if the pid file names a live process, and waits for its exit. */
export async function stopProcess(name: string, directory: string): Promise<void> {
  const file = pidFile(directory, name)
  if (!existsSync(file)) return
  const [pid, started] = readFileSync(file, 'utf8').trim().split(' ')
  // The start time differs if another process has got the number since.
  if (pid !== undefined && started === startTime(Number(pid))) await endProcess(Number(pid))
  rmSync(file, { force: true })
}

/** The names of all processes that were started with this folder and not stopped since. */
export function processNames(directory: string): string[] {
  const pids = join(directory, 'pids')
  const files = existsSync(pids) ? readdirSync(pids) : []
  return files.filter((file) => file.endsWith('.pid')).map((file) => file.slice(0, -4))
}

/** Whether a process exists and is not a zombie. */
export function isRunning(pid: number): boolean {
  const state = statFields(pid)[0]
  return state !== undefined && state !== 'Z'
}

/**
 * The start of a process in clock ticks since boot (proc(5), stat field 22); empty for an ended
 * process.
 */
function startTime(pid: number): string {
  return statFields(pid)[19] ?? ''
}

/**
 * The fields of `/proc/<pid>/stat` from the third on; the second may hold anything in parentheses.
 */
function statFields(pid: number): string[] {
  const file = `/proc/${pid}/stat`
  try {
    return readFileSync(file, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
  } catch {
    return []
  }
}

/** Sends SIGTERM to the process, then SIGKILL to all processes left in its group. */
async function endProcess(pid: number): Promise<void> {
  sendSignal(pid, 'SIGTERM')
  const giveUpMs = Date.now() + STOP_WITHIN_MS
  while (isRunning(pid) && Date.now() < giveUpMs) await pause(POLL_EVERY_MS)
  sendSignal(-pid, 'SIGKILL')
  while (isRunning(pid)) await pause(POLL_EVERY_MS)
}

function sendSignal(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal)
  } catch {
    // the process is already gone
  }
}

/** @returns null once the process serves, else why it does not */
async function untilReady(
  started: BackgroundProcess,
  ending: () => string | null,
): Promise<string | null> {
  const giveUpMs = Date.now() + READY_WITHIN_MS
  while (ending() === null && Date.now() < giveUpMs) {
    if (await started.isReady()) return null
    await pause(POLL_EVERY_MS)
  }
  return ending() ?? `did not serve within ${READY_WITHIN_MS / 1000} s`
}

/** The variables that a process inherits: none changes the behaviour of Node or OpenSSL. */
function inherited(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'USER']
  return Object.fromEntries(
    kept.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

function logEnd(directory: string, name: string): string {
  return readFileSync(logFile(directory, name), 'utf8').split('\n').slice(-30).join('\n')
}

function logFile(directory: string, name: string): string {
  return join(directory, 'logs', `${name}.log`)
}

function pidFile(directory: string, name: string): string {
  return join(directory, 'pids', `${name}.pid`)
}
