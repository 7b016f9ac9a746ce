import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, openRaw, send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { type Gate, startGate } from '../harness/gate.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { EDGES } from './edges.ts'
import { startOwnGate } from './own-gate.ts'
import { sendOnce } from './raw-client.ts'
import { requestText } from './requests.ts'

/** All that Python's SQL connector, SQLAlchemy and dbt show of a refusal. */
const HEADER = 'x-thriftserver-error-message'
const WAREHOUSE = '/sql/1.0/warehouses/abc'

let stack: StackClient
let outsider: string
let admin: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  outsider = await stack.mint({ sub: 'mallory', groups: [] })
  admin = await stack.mint({ sub: 'admin', groups: ['platform-admins'] })
})

afterAll(() => stack.close())

describe.each(EDGES)(
  'SQL users of Python learn of lighttpd $version why they were refused:',
  (edge) => {
    it.each<[by: string, status: number, target: string, token: () => string | null]>([
      ['the sidecar without a credential', 401, WAREHOUSE, () => null],
      ['a policy', 403, `${WAREHOUSE}?x=1`, () => outsider],
      ['the gate', 400, '/sql/1.0/warehouses;x', () => admin],
      ['lighttpd', 400, '/sql/1.0/../warehouses', () => admin],
    ])(
      'SQL users of Python learn why they were refused: by %s (%i)',
      async (_by, status, target, token) => {
        const bearer = token()
        const fields = bearer === null ? [] : [`Authorization: Bearer ${bearer}`]
        const bytes = requestText(
          target,
          [...fields, 'Content-Length: 0', 'Connection: close'],
          'POST',
        )
        const answer = await sendOnce(() => openRaw(stack.listener('internal', edge)), bytes)
        expect(answer.status).toBe(status)
        expectMessage(answer)
        expect(answer.headers[HEADER]).toBe(JSON.parse(answer.body).message)
      },
    )

    it('only SQL users of Python get the header with the reason', async () => {
      for (const target of ['/api/2.0/sql/statements', '/sqlx/1.0', '/a%00b']) {
        const answer = await send(stack.listener('internal', edge), target)
        expect(answer.status).toBeGreaterThanOrEqual(400)
        expect(answer.headers[HEADER]).toBeUndefined()
      }
    })
  },
)

describe.each(testedLighttpds())('behind lighttpd $version', (tested) => {
  let gate: Gate

  afterAll(() => gate.stop())

  it.each<[what: string, status: number, start: () => Promise<Gate>]>([
    ['no sidecar answers', 503, () => startGate(stack.info, { tested, egress: 'none' })],
    ['no egress answers', 503, () => startOwnGate(stack.info, { tested, egress: 'none' })],
    ['no workspace answers', 503, () => startOwnGate(stack.info, withoutWorkspace(tested))],
  ])('SQL users of Python learn that %s (%i)', async (_what, status, start) => {
    gate = await start()
    const answer = await send(gate.listener(), WAREHOUSE, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}` },
      body: 'x',
    })
    expect(answer.status).toBe(status)
    expectMessage(answer)
    await gate.stop()
  })
})

function withoutWorkspace(tested: Parameters<typeof startGate>[1]['tested']) {
  const environment = { BRICKGATE_WORKSPACE_ADDRESS: '127.0.0.1:1' }
  return { tested, environment, egress: 'own' as const }
}

function expectMessage({ headers }: Answer): void {
  expect(headers[HEADER]).toMatch(/^[a-z][\x20-\x7e]{9,200} \(request id [0-9a-f]{32}\)$/)
}
