import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pidOf } from '../harness/processes.ts'
import type { StackInfo } from '../harness/stack.ts'

const KIB = 1024
export const MIB: number = KIB * KIB

/** The most memory of a gateway while watched, beyond its memory before. */
export interface Growth {
  /** resident memory of the processes together */
  readonly residentBytes: number
  /** bytes in files of the spool, deleted ones that are still open too */
  readonly spooledBytes: number
}

const LOOK_EVERY_MS = 50

/** @param pids the first is lighttpd's, whose spool is looked at */
export async function watchGrowth(
  pids: readonly [lighttpd: number, ...others: number[]],
  spool: string,
  work: () => Promise<void>,
): Promise<Growth> {
  const before = residentBytes(pids)
  let growth: Growth = { residentBytes: 0, spooledBytes: 0 }
  const look = (): void => {
    growth = {
      residentBytes: Math.max(growth.residentBytes, residentBytes(pids) - before),
      spooledBytes: Math.max(growth.spooledBytes, spooledBytes(pids[0], spool)),
    }
  }
  const timer = setInterval(look, LOOK_EVERY_MS)
  try {
    await work()
    look()
  } finally {
    clearInterval(timer)
  }
  console.log('GROWTH', growth)
  return growth
}

/** The sidecar's primary and all its workers. */
export function sidecarPids(info: StackInfo): readonly number[] {
  const primary = pidOf(info, 'sidecar')
  const children = readFileSync(`/proc/${primary}/task/${primary}/children`, 'utf8')
  return [primary, ...children.trim().split(' ').map(Number)]
}

function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    if (kilobytes === undefined) throw new Error(`process ${pid} has no memory`)
    return sum + Number(kilobytes) * KIB
  }, 0)
}

function spooledBytes(pid: number, spool: string): number {
  const named = readdirSync(spool).map((file) => join(spool, file))
  const opened = readdirSync(`/proc/${pid}/fd`).map((descriptor) => `/proc/${pid}/fd/${descriptor}`)
  const unnamed = opened.filter((descriptor) => isDeleted(descriptor, spool))
  return [...named, ...unnamed].reduce((sum, file) => sum + bytesOnDisk(file), 0)
}

function isDeleted(descriptor: string, spool: string): boolean {
  try {
    const file = readlinkSync(descriptor)
    return file.startsWith(join(spool, '/')) && file.endsWith(' (deleted)')
  } catch {
    return false // closed since
  }
}

function bytesOnDisk(file: string): number {
  return (statSync(file, { throwIfNoEntry: false })?.blocks ?? 0) * 512
}
