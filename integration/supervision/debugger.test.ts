import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { HOME } from '../../launch/gateway.ts'
import { isRunning } from '../../launch/process.ts'
import { pidOf } from '../harness/processes.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { startFurther } from './further-sidecar.ts'

const info = sharedStack()
/** Node opens its debugger within a few milliseconds of the signal. */
const OPENS_WITHIN_MS = 500

describe('SIGUSR1', () => {
  it('SIGUSR1 opens no debugger in the primary, an authorizer or the responder, and ends none', async () => {
    const primary = pidOf(info, 'sidecar')
    const workers = workersOf(primary)
    expect(workers.length).toBeGreaterThanOrEqual(3)
    await expectNothingOpens([primary, ...workers])
  })

  it('SIGUSR1 opens no debugger in a sidecar that was started without the flag of bin/brickgate', async () => {
    const withoutFlag = [process.execPath, join(HOME, 'sidecar/src/main.ts')] as const
    const bare = await startFurther(info, 'sidecar-bare', withoutFlag)
    try {
      const workers = workersOf(bare.pid)
      expect(workers.length).toBeGreaterThanOrEqual(2)
      expect(workers.filter((pid) => !argumentsOf(pid).includes('--disable-sigusr1'))).toEqual([])
      await expectNothingOpens([bare.pid, ...workers])
    } finally {
      await bare.stop()
    }
  })
})

async function expectNothingOpens(pids: readonly number[]): Promise<void> {
  const before = pids.map(listeningPorts)
  for (const pid of pids) process.kill(pid, 'SIGUSR1')
  await pause(OPENS_WITHIN_MS)
  expect(pids.filter((pid) => !isRunning(pid))).toEqual([])
  expect(pids.map(listeningPorts)).toEqual(before)
}

function workersOf(primary: number): readonly number[] {
  const children = readFileSync(`/proc/${primary}/task/${primary}/children`, 'utf8')
  return children.trim().split(' ').map(Number)
}

function argumentsOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
}

/**
 * The TCP ports on which a process listens (proc_pid_net(5): state 0A; the tenth field is the
 * inode).
 */
function listeningPorts(pid: number): readonly number[] {
  const folder = `/proc/${pid}/fd`
  const opened = new Set(readdirSync(folder).map((fd) => readlink(join(folder, fd))))
  const rows = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8').trim().split('\n').slice(1),
  )
  return rows.flatMap((row) => {
    const [, local = '', , state, , , , , , inode] = row.trim().split(/\s+/)
    const isListening = state === '0A' && opened.has(`socket:[${inode}]`)
    return isListening ? [Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16)] : []
  })
}

/** @returns an empty text when the descriptor was closed meanwhile */
function readlink(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
