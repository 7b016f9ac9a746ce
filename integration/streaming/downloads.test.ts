import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { pidOf } from '../harness/processes.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { stackFile } from '../harness/stack.ts'
import { answered, LARGE_BYTES, open, sha256OfLarge } from './bodies.ts'
import { MIB, sidecarPids, watchGrowth } from './memory.ts'

const FILE = `/api/2.0/fs/files/Volumes/demo/size/${LARGE_BYTES}`

let stack: StackClient
let engineer: string
let spool: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  engineer = await stack.mint({ sub: 'alice', groups: ['data-eng'] })
  spool = join(stack.info.config.runtime.directory, 'spool')
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe.each(sharedStack().edges)('through lighttpd $version', (edge) => {
  const lighttpd = (): number =>
    Number(stackFile(stack.info, `pids/${edge.name}.pid`).split(' ')[0])
  const listener = () => stack.listener('internal', edge)
  const headers = () => ({ authorization: `Bearer ${engineer}` })

  async function download(): Promise<string> {
    const sent = open(listener(), FILE, { headers: headers() }).end()
    const answer = await answered(sent)
    expect(answer.statusCode).toBe(200)
    const hash = createHash('sha256')
    await pipeline(answer, hash)
    return hash.digest('hex')
  }

  it('through lighttpd, 100 MB arrive whole three times, and nothing of them is kept', async () => {
    const hashes: string[] = []
    const growth = await watchGrowth([lighttpd(), ...sidecarPids(stack.info)], spool, async () => {
      for (let round = 0; round < 3; round += 1) hashes.push(await download())
    })
    const whole = sha256OfLarge()
    expect(hashes).toEqual([whole, whole, whole])
    expect(growth.residentBytes).toBeLessThan(32 * MIB)
    expect(growth.spooledBytes).toBeLessThan(32 * MIB)
  })

  it('through lighttpd, a client that reads slowly makes nobody hold 100 MB for it', async () => {
    const pids = [lighttpd(), pidOf(stack.info, 'egress')] as const
    const hash = createHash('sha256')
    const growth = await watchGrowth(pids, spool, async () => {
      const sent = open(listener(), FILE, { headers: headers() }).end()
      const answer = await answered(sent)
      await pause(3000) // reads nothing
      await pipeline(answer, hash)
    })
    expect(hash.digest('hex')).toBe(sha256OfLarge())
    expect(growth.residentBytes).toBeLessThan(16 * MIB)
    expect(growth.spooledBytes).toBeLessThan(16 * MIB)
  })
})
