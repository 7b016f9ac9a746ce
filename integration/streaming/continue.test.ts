import { setTimeout as pause } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openRaw } from '../harness/answer.ts'
import { hold } from '../harness/authorizer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { type RelayedGate, startRelayedGate } from '../harness/relayed-gate.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { valuesOf } from '../harness/upstream.ts'

const SOON = { timeout: 10_000 }
const FILE = '/api/2.0/fs/files/Volumes/demo/expected'

let stack: StackClient
let engineer: string
let expired: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  engineer = await stack.mint({ sub: 'alice', groups: ['data-eng'] })
  const iat = Math.floor(Date.now() / 1000) - 120
  expired = await stack.mint({ sub: 'alice', groups: ['data-eng'], iat, exp: iat + 60 })
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe.each(testedLighttpds())('Expect: 100-continue through lighttpd $version', (tested) => {
  let gate: RelayedGate

  beforeAll(async () => {
    gate = await startRelayedGate(stack.info, { tested })
  })

  beforeEach(() => {
    gate.authorizer.behave = gate.sendRequest
  })

  afterAll(() => gate.stop())

  /**
   * Sends the head of a request with a body of 5 bytes.
   *
   * @returns the answer so far
   */
  async function expectContinue(token: string): Promise<[socket: TLSSocket, text: () => string]> {
    const socket = await openRaw(gate.listener())
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
    })
    const head = [
      `PUT ${FILE} HTTP/1.1`,
      'Host: localhost',
      `Authorization: Bearer ${token}`,
      'Expect: 100-continue',
      'Content-Length: 5',
      'Connection: close',
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    return [socket, () => received]
  }

  it('Expect: 100-continue is answered only after the allow, and then the body arrives', async () => {
    const held = hold(gate.sendRequest)
    gate.authorizer.behave = held.behave
    const [socket, text] = await expectContinue(engineer)
    await pause(500)
    expect(text()).toBe('')
    expect(await stack.upstreamRequests()).toEqual([])

    held.release()
    await expect.poll(text, SOON).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write('hello')
    await expect.poll(text, SOON).toContain('HTTP/1.1 204 ')
    const [request] = await stack.upstreamRequests()
    expect(request?.body).toMatchObject({ bytes: 5, state: 'complete' })
    expect(valuesOf(request, 'expect')).toEqual([])
  })

  it('Expect: 100-continue is never answered when the request is refused', async () => {
    const [socket, text] = await expectContinue(expired)
    await expect.poll(() => socket.closed, SOON).toBe(true)
    expect(text()).toMatch(/^HTTP\/1\.1 401 /)
    expect(text()).not.toContain('100 Continue')
    expect(await stack.upstreamRequests()).toEqual([])
  })
})
