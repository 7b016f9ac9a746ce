import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claimSlot, SLOT_COUNT, type Slot } from '../../src/processes/slots.ts'

let directory: string
let held: Slot[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brickgate-slots-'))
  held = []
})

afterEach(() => {
  for (const slot of held) slot.release()
  rmSync(directory, { recursive: true })
})

describe('claiming a slot', () => {
  it('gives the lowest free number, to each claim another', async () => {
    expect([await claim(), await claim(), await claim(), await claim()]).toEqual([0, 1, 2, 3])
  })

  it('gives a released number again', async () => {
    await claim()
    await claim()
    held[0]?.release()
    expect(await claim()).toBe(0)
  })

  it('refuses when all are taken, says so, and leaves nothing behind', async () => {
    for (let count = 0; count < SLOT_COUNT; count++) await claim()
    const files = readdirSync(directory)
    await expect(claimSlot(directory)).rejects.toThrow(`all 4 slots in \`${directory}\` are taken`)
    expect(readdirSync(directory)).toEqual(files)
  })

  it('leaves one file a slot, and none once all are released', async () => {
    await claim()
    await claim()
    expect(readdirSync(directory).sort()).toEqual(['slot-0.lock', 'slot-1.lock'])
    for (const slot of held) slot.release()
    expect(readdirSync(directory)).toEqual([])
  })

  it('fails when the folder is not there', async () => {
    await expect(claimSlot(join(directory, 'missing'))).rejects.toThrow(/missing/)
  })
})

describe('a claim whose owner is gone', () => {
  it('is taken over after kill -9', async () => {
    const owner = await claimInProcess()
    expect(owner.number).toBe(0)
    expect(await claim()).toBe(1)
    await owner.kill()
    expect(await claim()).toBe(0)
    expect(readdirSync(directory).sort()).toEqual(['slot-0.lock', 'slot-1.lock'])
  })

  it('is taken over once, however many want it at the same time', async () => {
    const owners = [await claimInProcess(), await claimInProcess()]
    for (const owner of owners) await owner.kill()
    expect(new Set(await Promise.all([claim(), claim()]))).toEqual(new Set([0, 1]))
  })

  it('is taken over when it is a file that never was a socket', async () => {
    writeFileSync(join(directory, 'slot-0.lock'), '')
    expect(await claim()).toBe(0)
  })
})

describe('a claim whose owner lives', () => {
  it('is never taken over, even while the owner is stopped', async () => {
    const owner = await claimInProcess()
    owner.signal('SIGSTOP')
    expect(await claim()).toBe(1)
    owner.signal('SIGCONT')
    await owner.kill()
  })

  it('is never taken over, even while its queue of connections is full', async () => {
    const owner = await claimInProcess()
    owner.signal('SIGSTOP')
    const waiting = await fillQueue(join(directory, 'slot-0.lock'))
    expect(await claim()).toBe(1)
    for (const socket of waiting) socket.destroy()
    await owner.kill()
  })
})

it('claims made at the same time get different numbers', async () => {
  const numbers = await Promise.all(Array.from({ length: SLOT_COUNT }, claim))
  expect(new Set(numbers)).toEqual(new Set([0, 1, 2, 3]))
})

async function claim(): Promise<number> {
  const slot = await claimSlot(directory)
  held.push(slot)
  return slot.number
}

interface OtherOwner {
  readonly number: number
  signal(name: NodeJS.Signals): void
  /** ends it as a crash does */
  kill(): Promise<void>
}

/** A claim by another process. */
async function claimInProcess(): Promise<OtherOwner> {
  const child = fork(join(import.meta.dirname, 'slot-process-fixture.ts'), [directory], {
    execArgv: [],
  })
  const [number] = (await once(child, 'message')) as [number]
  return {
    number,
    signal: (name) => void child.kill(name),
    async kill() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Connects to a socket whose owner does not accept, until the kernel takes no more connections. */
async function fillQueue(path: string): Promise<readonly Socket[]> {
  const waiting: Socket[] = []
  for (;;) {
    const socket = connect(path)
    const outcome = await Promise.race([once(socket, 'connect'), once(socket, 'error')]).catch(
      (error: unknown) => error,
    )
    if (outcome instanceof Error) return waiting
    waiting.push(socket)
    if (waiting.length > 10_000) throw new Error('the queue has no end')
  }
}
