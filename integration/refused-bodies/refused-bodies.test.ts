import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EDGES } from '../edge/edges.ts'
import { createRawClient, type RawClient } from '../edge/raw-client.ts'
import { requestText } from '../edge/requests.ts'
import { openRaw } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const STATEMENTS = '/api/2.0/sql/statements'
const SESSIONS = '/_brickgate/sessions'
const TRIES = 100

const JSON_TYPE = 'Content-Type: application/json'
const LENGTH = 'Content-Length: 100'
const HUGE = 'Content-Length: 1000000'
const CHUNKED = 'Transfer-Encoding: chunked'
const BODY = '{"expires_in":60}'.padEnd(100)
const CHUNKS = `64\r\n${BODY}\r\n0\r\n\r\n`

let stack: StackClient
let admin: string
let expired: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  admin = await stack.mint({ sub: 'admin', groups: ['platform-admins'] })
  const iat = Math.floor(Date.now() / 1000) - 120
  expired = await stack.mint({ sub: 'admin', groups: ['platform-admins'], iat, exp: iat + 60 })
})

afterAll(() => stack.close())

describe.each(EDGES)('lighttpd $version', (edge) => {
  let opened: number
  let client: RawClient

  beforeEach(() => {
    opened = 0
    client = createRawClient(() => {
      opened += 1
      return openRaw(stack.listener('internal', edge))
    })
  })

  it.each([
    ['by the authorizer', 401, STATEMENTS, LENGTH, BODY],
    ['by the authorizer, in chunks', 401, STATEMENTS, CHUNKED, CHUNKS],
    ['by the authorizer, before the body has come', 401, STATEMENTS, HUGE, BODY],
    ['by the gate', 400, '/api/a;b', LENGTH, BODY],
    ['by the gate, in chunks', 404, '/_BRICKGATE/x', CHUNKED, CHUNKS],
    ['by the responder', 401, SESSIONS, LENGTH, BODY],
    ['by lighttpd, as too large', 413, SESSIONS, HUGE, BODY],
    ['by lighttpd, as malformed', 400, '/a%00b', LENGTH, BODY],
  ])(
    'lighttpd closes the connection of a refused body only when the refusal says so: %s',
    async (...[, status, path, framing, body]) => {
      const refused = await client.sendRequest(
        requestText(path, [framing, JSON_TYPE], 'POST') + body,
      )
      expect(refused.status).toBe(status)
      const next = await client.sendRequest(
        requestText(CLUSTERS, [`Authorization: Bearer ${admin}`]),
      )
      client.close()
      expect(next.status).toBe(200)
      expect(opened).toBe(refused.headers.connection === 'close' ? 2 : 1)
    },
  )

  it('lighttpd keeps the connection after a refused request without a body', async () => {
    const { status, headers } = await client.sendRequest(requestText(CLUSTERS, []))
    client.close()
    expect([status, headers.connection]).toEqual([401, undefined])
  })

  it('lighttpd keeps the connection after a body that the workspace took', async () => {
    const fields = [`Authorization: Bearer ${admin}`, LENGTH, JSON_TYPE]
    const { headers } = await client.sendRequest(requestText(STATEMENTS, fields, 'POST') + BODY)
    client.close()
    expect(headers['x-databricks-org-id']).toBe(stack.info.config.workspace.id)
    expect(headers.connection).toBeUndefined()
  })

  describe.each([
    ['Go', 'go', ['run', 'client.go'], ['version']],
    ['Python', 'python3', ['client.py'], ['--version']],
  ])("%s's standard client", (language, command, program, version) => {
    const isThere = succeeds(command, version)
    if (!isThere) process.stderr.write(`brickgate: no ${command}: its client is not tried\n`)

    it.skipIf(!isThere)(
      `a language’s standard client has each of ${TRIES} permitted requests answered that follow refused ones${isThere ? '' : ` (no ${command})`}`,
      async () => {
        const url = `https://localhost:${edge.internal}${STATEMENTS}`
        const args = [url, stack.info.demo.pki.ca, expired, admin, String(TRIES), '1000']
        const { stdout } = await promisify(execFile)(command, [...program, ...args], {
          cwd: import.meta.dirname,
        })
        const ends: unknown = JSON.parse(stdout)
        expect(ends).toEqual({ refused: { 401: TRIES }, permitted: { 200: TRIES } })
      },
      300_000, // Go compiles its library once
    )
  })
})

function succeeds(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false // it is not installed
  }
}
