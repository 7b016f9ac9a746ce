import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type EgressWatch, watchEgress } from '../../src/adapters/egress-watch.ts'

const FROZEN_AFTER_MS = 1000

let directory: string
let path: string
let server: Server
let answer: (socket: Socket) => void
let nowMs: number
let changes: boolean[]
let asked: number
let watch: EgressWatch

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'brickgate-watch-'))
  path = join(directory, 'egress.sock')
  answer = refuse
  nowMs = 0
  changes = []
  asked = 0
  server = createServer((socket) => {
    asked += 1
    socket.on('error', () => undefined)
    answer(socket)
  })
  server.listen(path)
  await once(server, 'listening')
  watch = watchEgress({
    path,
    everyMs: 10,
    frozenAfterMs: FROZEN_AFTER_MS,
    nowMs: () => nowMs,
    onChange: (isFrozen) => changes.push(isFrozen),
  })
})

afterEach(() => {
  watch.close()
  server.close()
  rmSync(directory, { recursive: true })
})

describe('an egress', () => {
  it('that refuses the probe is alive, however long ago the first one was', async () => {
    await until(3)
    nowMs = 10 * FROZEN_AFTER_MS
    await until(asked + 3)
    expect([watch.isFrozen(), changes]).toEqual([false, []])
  })

  it('that takes the probe and says nothing is frozen after the time given, and asked once', async () => {
    answer = () => undefined
    await until(asked + 1)
    const before = asked
    nowMs = FROZEN_AFTER_MS - 1
    await pause(50)
    expect(watch.isFrozen()).toBe(false)
    nowMs = 2 * FROZEN_AFTER_MS
    await expect.poll(() => watch.isFrozen()).toBe(true)
    expect(asked).toBe(before)
  })

  it('that answers at last is alive again', async () => {
    const held: Socket[] = []
    answer = (socket) => held.push(socket)
    await expect.poll(() => held.length).toBe(1)
    nowMs = 2 * FROZEN_AFTER_MS
    await expect.poll(() => watch.isFrozen()).toBe(true)
    answer = refuse
    held.forEach(refuse)
    await expect.poll(() => changes).toEqual([true, false])
  })

  it('that is killed while frozen is not frozen: lighttpd sees that it is gone', async () => {
    const held: Socket[] = []
    answer = (socket) => held.push(socket)
    await expect.poll(() => held.length).toBe(1)
    nowMs = 2 * FROZEN_AFTER_MS
    await expect.poll(() => watch.isFrozen()).toBe(true)
    server.close()
    for (const socket of held) socket.destroy()
    await expect.poll(() => watch.isFrozen()).toBe(false)
  })

  it('that is not there is not frozen', async () => {
    server.close()
    await pause(50)
    nowMs = 10 * FROZEN_AFTER_MS
    await pause(50)
    expect(watch.isFrozen()).toBe(false)
  })
})

function refuse(socket: Socket): void {
  socket.end('HTTP/1.0 403 Forbidden\r\n\r\n')
}

function until(count: number): Promise<void> {
  return expect.poll(() => asked).toBeGreaterThanOrEqual(count)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
