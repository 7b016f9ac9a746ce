import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startOwnGate } from '../edge/own-gate.ts'
import { send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import type { Gate } from '../harness/gate.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { readRefusal } from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'

const FILE = '/api/2.0/fs/files/Volumes/demo/spooled'

let stack: StackClient
let engineer: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  engineer = await stack.mint({ sub: 'alice', groups: ['data-eng'] })
})

afterAll(() => stack.close())

describe.each(testedLighttpds())('lighttpd $version', (tested) => {
  let gate: Gate

  beforeAll(async () => {
    gate = await startOwnGate(stack.info, { tested })
  })

  afterAll(() => gate.stop())

  it('lighttpd answers an upload that its spool cannot take by 503, and names the spool in its log', async () => {
    rmSync(gate.spool, { recursive: true })
    const headers = { authorization: `Bearer ${engineer}` }
    const body = Buffer.alloc(20_000_000)
    const answer = await send(gate.listener(), FILE, { method: 'PUT', headers, body })
    expect(readRefusal(answer)).toMatchObject({ status: 503, hasRetryAfter: true })
    const id = answer.headers['x-request-id']
    process.kill(gate.pid, 'SIGHUP') // writes its log out
    await expect
      .poll(() => gate.accessLines().find(({ request_id }) => request_id === id)?.reason)
      .toBe('spool-full')
  })
})
