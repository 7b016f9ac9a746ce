import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isRunning } from '../../launch/process.ts'
import { type LoneSidecar, startLone } from './lone-sidecar.ts'

/** Time that a sidecar without requests needs, half a second for lighttpd included. */
const SOON_MS = 4000
/** The drain time and a little: a worker that does not end is killed 10 s after it was told. */
const DRAINED_MS = 13_000
const WAIT = { timeout: 20_000, interval: 20 }
const TAKEN_UP = 'the configuration was taken up'

let sidecar: LoneSidecar

afterEach(() => sidecar.remove())

describe('a sidecar whose Redis and keys hang ends soon after SIGTERM', () => {
  beforeEach(async () => {
    sidecar = await startLone()
    await expect.poll(() => sidecar.hasLogged('started'), WAIT).toBe(true)
  })

  it('a sidecar whose Redis and keys hang ends soon after SIGTERM while no worker is ready', async () => {
    await expectEnd(SOON_MS)
  })

  it.each([0, 300, 1500])(
    'a sidecar whose Redis and keys hang ends soon after SIGTERM %i ms after a change of the keys, which it waits for',
    async (ms) => {
      sidecar.edit({ jwks: { refresh_s: 77 } })
      sidecar.signal('SIGHUP')
      await pause(ms)
      await expectEnd(SOON_MS)
      expect(sidecar.hasLogged(TAKEN_UP)).toBe(false)
    },
  )

  it('a sidecar whose Redis and keys hang ends soon after SIGTERM while it replaces its workers', async () => {
    sidecar.edit({ limits: { connections: 777 } })
    await expect.poll(() => sidecar.hasLogged(TAKEN_UP), WAIT).toBe(true)
    await expectEnd(SOON_MS)
  })

  it('a sidecar whose Redis and keys hang ends soon after SIGTERM with code 0, however many signals come after the first', async () => {
    sidecar.edit({ jwks: { refresh_s: 77 } })
    for (const signal of ['SIGHUP', 'SIGTERM', 'SIGHUP', 'SIGTERM', 'SIGINT'] as const) {
      sidecar.signal(signal)
      await pause(50)
    }
    await expectEnd(SOON_MS)
  })
})

it('a sidecar whose workers are frozen ends within its drain time after SIGTERM', async () => {
  sidecar = await startLone()
  await expect.poll(readyWorkers, WAIT).toBe(3)
  const workers = sidecar.workers()
  for (const pid of workers) process.kill(pid, 'SIGSTOP')
  await expectEnd(DRAINED_MS)
  expect(workers.filter(isRunning)).toEqual([])
})

it('a sidecar that gets SIGHUP, then SIGTERM while it starts ends with code 0', async () => {
  sidecar = await startLone()
  await expect.poll(() => sidecar.sockets(), { ...WAIT, interval: 1 }).toContain('slot-0.lock')
  sidecar.signal('SIGHUP')
  await expectEnd(SOON_MS)
})

/**
 * Sends SIGTERM, and expects that the sidecar has ended with code 0 and left no worker and no
 * socket.
 */
async function expectEnd(withinMs: number): Promise<void> {
  const workers = sidecar.workers()
  sidecar.signal('SIGTERM')
  expect(await endAfter(withinMs)).toBe(0)
  await expect.poll(() => workers.filter(isRunning), WAIT).toEqual([])
  expect(sidecar.sockets()).toEqual([])
}

function endAfter(withinMs: number): Promise<number | NodeJS.Signals | null | 'late'> {
  return Promise.race([sidecar.ended, pause(withinMs, 'late' as const, { ref: false })])
}

async function readyWorkers(): Promise<unknown> {
  try {
    const page = await fetch(`${sidecar.admin}/readyz`, { signal: AbortSignal.timeout(3000) })
    return ((await page.json()) as { workers: { ready: number } }).workers.ready
  } catch {
    return null // not listening yet
  }
}
