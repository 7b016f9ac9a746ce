import { spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** One process of a deployment. */
export interface Piece {
  /** names its log, `<name>.log`, and its pid file */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** whether it serves; asked until it does */
  readonly isReady: () => Promise<boolean>
}

const READY_WITHIN_MS = 60_000
const STOP_WITHIN_MS = 15_000
const ASK_EVERY_MS = 50

/**
 * Starts a piece as a background process of its own, and waits until it serves.
 *
 * @param directory where its log and pid file go
 * @throws {Error} with the end of its log when it ends or does not serve within 60 s
 */
export async function startPiece(piece: Piece, directory: string): Promise<number> {
  mkdirSync(join(directory, 'logs'), { recursive: true })
  mkdirSync(join(directory, 'pids'), { recursive: true })
  const log = openSync(logFile(directory, piece.name), 'a', 0o640)
  const child = spawn(piece.command, piece.args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...inherited(), ...piece.environment },
  })
  closeSync(log)
  let ending: string | null = null
  child.once('error', (error) => (ending = error.message))
  child.once('exit', (code, signal) => (ending = `ended with ${code ?? signal}`))
  if (child.pid !== undefined) {
    writeFileSync(pidFile(directory, piece.name), `${child.pid} ${startTime(child.pid)}\n`)
  }

  const problem = await untilReady(piece, () => ending)
  child.removeAllListeners()
  child.unref()
  if (problem !== null || child.pid === undefined) {
    if (child.pid !== undefined) await stopProcess(child.pid)
    throw new Error(`${piece.name} ${problem}\n${logEnd(directory, piece.name)}`)
  }
  return child.pid
}

/** Stops the piece of this name if its pid file names a live process, and waits for its end. */
export async function stopPiece(name: string, directory: string): Promise<void> {
  const file = pidFile(directory, name)
  if (!existsSync(file)) return
  const [pid, started] = readFileSync(file, 'utf8').trim().split(' ')
  // The start time tells the process from another that was given its number since.
  if (pid !== undefined && started === startTime(Number(pid))) await stopProcess(Number(pid))
  rmSync(file, { force: true })
}

/** Whether a process exists and is more than a zombie. */
export function isRunning(pid: number): boolean {
  const state = statFields(pid)[0]
  return state !== undefined && state !== 'Z'
}

/** The start of a process in clock ticks since boot (proc(5), stat field 22); empty when it is gone. */
function startTime(pid: number): string {
  return statFields(pid)[19] ?? ''
}

/** The fields of `/proc/<pid>/stat` from the third on; the second may hold anything in parentheses. */
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

/** Asks the process to end, then ends whatever is left of its group. */
async function stopProcess(pid: number): Promise<void> {
  sendSignal(pid, 'SIGTERM')
  const giveUpMs = Date.now() + STOP_WITHIN_MS
  while (isRunning(pid) && Date.now() < giveUpMs) await pause(ASK_EVERY_MS)
  sendSignal(-pid, 'SIGKILL')
  while (isRunning(pid)) await pause(ASK_EVERY_MS)
}

function sendSignal(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal)
  } catch {
    // already gone, which is what was wanted
  }
}

/** @returns null when the piece serves, else what became of it */
async function untilReady(piece: Piece, ending: () => string | null): Promise<string | null> {
  const giveUpMs = Date.now() + READY_WITHIN_MS
  while (ending() === null && Date.now() < giveUpMs) {
    if (await piece.isReady()) return null
    await pause(ASK_EVERY_MS)
  }
  return ending() ?? `did not serve within ${READY_WITHIN_MS / 1000} s`
}

/** The environment without what changes the behaviour of Node or OpenSSL under the pieces. */
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
