import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { HOME } from '../../launch/gateway.ts'
import { send, sendRaw } from '../harness/answer.ts'
import { accessLines, type StackClient, stackClient } from '../harness/client.ts'
import { type Refusal, readRefusal } from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'

const WHOAMI = '/_brickgate/whoami'
const VERSION = '/_brickgate/version'
const MAX_BODY_BYTES = 64 * 1024

let stack: StackClient

beforeAll(() => {
  stack = stackClient(sharedStack())
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe('version', () => {
  it.each(['internal', 'external'] as const)(
    'version is for callers with a credential alone on the %s tier',
    async (tier) => {
      const manifest = JSON.parse(readFileSync(join(HOME, 'package.json'), 'utf8')) as {
        version: string
      }
      const token = await stack.mint({ sub: 'alice' })
      const made = await send(stack.listener(tier), '/_brickgate/sessions', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      })
      const session = JSON.parse(made.body) as { token: string }
      for (const bearer of [token, session.token]) {
        const headers = { authorization: `Bearer ${bearer}` }
        const answer = await send(stack.listener(tier), VERSION, { headers })
        expect(answer.status).toBe(200)
        expect(JSON.parse(answer.body)).toEqual({ name: 'brickgate', version: manifest.version })
        expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/)
      }
      for (const headers of [{}, { authorization: 'Bearer not-a-token' }]) {
        const answer = await send(stack.listener(tier), VERSION, { headers })
        expect(answer.status).toBe(401)
        expect(answer.body).not.toContain(manifest.version)
        expect(answer.body).not.toContain('"name"')
      }
      expect(await stack.upstreamRequests()).toEqual([])
    },
  )
})

describe('a page that is not there is 404 and never reaches the workspace:', () => {
  it.each([
    ['GET', '/_brickgate/who'],
    ['GET', '/_brickgate/whoami/'],
    ['GET', '/_brickgate/metrics'],
    ['GET', '/_brickgate/whoami/admin'],
    ['POST', WHOAMI],
    ['DELETE', VERSION],
  ])(
    'a page that is not there is 404 and never reaches the workspace: %s %s',
    async (method, path) => {
      const answer = await stack.send(path, { method })

      expect(answer.status).toBe(404)
      expect(JSON.parse(answer.body)).toEqual({
        error_code: expect.stringMatching(/NOT_FOUND$/),
        message: expect.any(String),
      })
      expect(await stack.upstreamRequests()).toEqual([])
    },
  )
})

describe('a body for the responder', () => {
  const TOO_LARGE: Refusal = {
    status: 413,
    errorCode: 'REQUEST_TOO_LARGE',
    challenge: null,
    hasRetryAfter: false,
  }

  it('a body for the responder may have 64 KiB', async () => {
    const body = Buffer.alloc(MAX_BODY_BYTES, 'a')
    expect((await stack.send(WHOAMI, { method: 'POST', body })).status).toBe(404)
  })

  it('a body for the responder is refused with 413 and a line of the access log when it is a byte longer', async () => {
    const before = refusedBySize().length
    const body = Buffer.alloc(MAX_BODY_BYTES + 1, 'a')

    const answer = await stack.send(WHOAMI, { method: 'POST', body })
    expect(readRefusal(answer)).toEqual(TOO_LARGE)
    // lighttpd writes its log some seconds late
    await expect
      .poll(() => refusedBySize().slice(before), { timeout: 15_000 })
      .toMatchObject([{ path: WHOAMI, reason: 'body-too-large' }])
  })

  it('a body for the responder is refused with 413 when it comes in chunks without a length', async () => {
    const chunk = `2000\r\n${'a'.repeat(0x2000)}\r\n`
    const head = [`POST ${WHOAMI} HTTP/1.1`, 'Host: localhost', 'Transfer-Encoding: chunked']

    const bytes = await sendRaw(
      stack.listener(),
      `${head.join('\r\n')}\r\nConnection: close\r\n\r\n${chunk.repeat(9)}0\r\n\r\n`,
    )
    expect(bytes).toMatch(/^HTTP\/1\.1 413 /)
    expect(await stack.upstreamRequests()).toEqual([])
  })

  it('a body for the responder may be larger when it is for the workspace', async () => {
    const token = await stack.mint({ sub: 'alice', groups: ['analysts'] })
    const body = JSON.stringify({ statement: 'SELECT 1', padding: 'a'.repeat(MAX_BODY_BYTES) })

    const path = '/api/2.0/sql/statements'
    expect((await stack.sendAs(token, path, { method: 'POST', body })).status).toBe(200)
  })
})

function refusedBySize() {
  return accessLines(stack.info).filter(({ status }) => status === 413)
}
