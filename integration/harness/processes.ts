import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { simulatedProcesses } from '../../demo/processes.ts'
import { gatewayProcesses, SYSTEM_LIGHTTPD } from '../../launch/gateway.ts'
import { isRunning, startProcess, stopProcess } from '../../launch/process.ts'
import { type StackInfo, stackFile } from './stack.ts'

/**
 * The processes of a stack that a test may stop, freeze and start again, if the stack is its own.
 */
export type ProcessName = 'redis' | 'idp' | 'workspace' | 'egress' | 'sidecar' | 'lighttpd'

/** Stops a process as an operator does, and waits for its exit. */
export function stop(info: StackInfo, name: ProcessName): Promise<void> {
  return stopProcess(name, info.demo.directory)
}

/** Starts a stopped process with the same arguments, and waits until the process serves. */
export async function start({ demo, config }: StackInfo, name: ProcessName): Promise<void> {
  const { configFile, directory } = demo
  const options = { configFile, directory, lighttpd: SYSTEM_LIGHTTPD }
  const all = [...simulatedProcesses(demo), ...gatewayProcesses(config, options)]
  const stopped = all.find((each) => each.name === name)
  if (stopped === undefined) throw new Error(`a stack has no ${name}`)
  await startProcess(stopped, directory)
}

export function pidOf(info: StackInfo, name: ProcessName): number {
  return Number(stackFile(info, `pids/${name}.pid`).split(' ')[0])
}

/** A live worker process of a sidecar. */
export interface WorkerProcess {
  readonly pid: number
  /** such as `authorizer-2`, the number counting all workers that its primary ever forked */
  readonly part: string
}

/**
 * The workers that run now, as far as the log names them.
 *
 * @param primary process id of the sidecar, by default of the stack's own
 */
export function workersOf(
  info: StackInfo,
  role: 'authorizer' | 'responder',
  primary: number = pidOf(info, 'sidecar'),
): readonly WorkerProcess[] {
  const children = readFileSync(`/proc/${primary}/task/${primary}/children`, 'utf8').split(' ')
  const parts = new Map(sidecarLog(info).map((line) => [line.pid, line.part]))
  return children.flatMap((child) => {
    const pid = Number(child)
    const part = parts.get(pid)
    return part?.startsWith(`${role}-`) === true && isRunning(pid) ? [{ pid, part }] : []
  })
}

/** A line of a sidecar's log. */
export interface LogLine {
  readonly [field: string]: unknown
  readonly part: string
  readonly pid: number
  readonly msg: string
}

/** The sidecar's log so far, without lines that are no JSON, such as a crash's. */
export function sidecarLog(info: StackInfo): readonly LogLine[] {
  const lines = stackFile(info, 'logs/sidecar.log').split('\n')
  return lines.flatMap((line) => (line.startsWith('{') && line.endsWith('}') ? [parse(line)] : []))
}

function parse(line: string): LogLine {
  return JSON.parse(line) as LogLine
}

/** Path of a socket of a sidecar, such as `authorizer-internal-0`. */
export function socketPath(info: StackInfo, name: string): string {
  return join(info.config.runtime.directory, `${name}.sock`)
}
