import { randomBytes } from 'node:crypto'
import { linkSync, renameSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'

/** The number of sidecars that can share a lighttpd, which lists this many sockets of each kind. */
export const SLOT_COUNT = 4

/** A sidecar's number in the shared socket folder, until it is released. */
export interface Slot {
  readonly number: number
  release(): void
}

/**
 * Claims the first free slot. A claim is a unix socket on which its owner listens, so the claim
 * ends with its owner. A claim that refuses connections is stale and taken over; a claim that
 * answers is never taken. Two sidecars that start together cannot get the same slot, because `link`
 * fails when the name exists (link(2)).
 *
 * @param directory folder of the sockets, shared with lighttpd and other sidecars
 * @throws {Error} when all slots are taken
 */
export async function claimSlot(directory: string): Promise<Slot> {
  const own = join(directory, `slot.${randomBytes(6).toString('hex')}`)
  const server = await listen(own)
  try {
    for (let number = 0; number < SLOT_COUNT; number++) {
      const name = join(directory, `slot-${number}.lock`)
      if (await claim(own, name)) return slot(number, name, server)
    }
  } finally {
    rmSync(own, { force: true })
  }
  server.close()
  throw new Error(`all ${SLOT_COUNT} slots in \`${directory}\` are taken`)
}

function slot(number: number, name: string, server: Server): Slot {
  return {
    number,
    release() {
      rmSync(name, { force: true })
      server.close()
    },
  }
}

async function claim(own: string, name: string): Promise<boolean> {
  if (tryLink(own, name)) return true
  if (await answers(name)) return false
  await removeStale(name)
  return tryLink(own, name)
}

/**
 * Moves a stale claim away before it is removed, and moves it back when it turns out to be a live
 * claim that another sidecar made meanwhile.
 */
async function removeStale(name: string): Promise<void> {
  const aside = `${name}.${randomBytes(6).toString('hex')}`
  try {
    renameSync(name, aside)
  } catch {
    return // another sidecar moved it first
  }
  if (await answers(aside)) tryLink(aside, name)
  rmSync(aside, { force: true })
}

function tryLink(existing: string, name: string): boolean {
  try {
    linkSync(existing, name)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    server.listen({ path, exclusive: true }, () => resolve(server))
  })
}

/**
 * INVARIANT: only a claim without a listener is stale; a busy or forbidden claim is not. Otherwise
 * two sidecars would share a slot.
 */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    })
  })
}
