import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { auditLines, type StackClient, stackClient } from '../harness/client.ts'
import { makeSession } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { stackFile } from '../harness/stack.ts'

let stack: StackClient

beforeAll(() => {
  stack = stackClient(sharedStack())
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

const CLUSTERS = '/api/2.1/clusters/list'
/** DESIGN section 7, in its order. */
const FIELDS = [
  'time',
  'request_id',
  'decision',
  'reason',
  'claim',
  'outage',
  'tier',
  'method',
  'path',
  'operation',
  'risk',
  'subject',
  'email',
  'issuer',
  'client_id',
  'session',
  'token_id',
  'source_ip',
  'user_agent',
  'policy',
  'duration_us',
]

describe('an audit record has exactly the fields of the design', () => {
  it('an audit record has exactly the fields of the design for an allow', async () => {
    const jti = randomUUID()
    const claims = { sub: 'alice', email: 'alice@example.com', groups: ['analysts'], jti }
    const credential = await stack.mint({ ...claims, client_id: 'cli' })
    const sent = { method: 'GET', headers: { 'user-agent': 'test/1 "quoted"' } }
    await stack.sendAs(credential, `${CLUSTERS}?secret=1`, sent)

    const record = await stack.auditOf(await forwardedId())
    expect(Object.keys(record)).toEqual(FIELDS)
    expect(record).toEqual({
      time: expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ$/),
      request_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      decision: 'allow',
      reason: 'allowed',
      claim: null,
      outage: null,
      tier: 'internal',
      method: 'GET',
      path: CLUSTERS,
      operation: null,
      risk: null,
      subject: 'demo|alice',
      email: 'alice@example.com',
      issuer: 'demo',
      client_id: 'cli',
      session: null,
      token_id: jti,
      source_ip: '127.0.0.1',
      user_agent: 'test/1 "quoted"',
      policy: ['analysts-read-compute-and-jobs'],
      duration_us: expect.any(Number),
    })
  })

  it('an audit record has exactly the fields of the design for a session', async () => {
    const { id, sid, session } = await makeSession(stack)
    await stack.sendAs(id, CLUSTERS)
    const record = await stack.auditOf(await forwardedId())
    expect(Object.keys(record)).toEqual(FIELDS)
    expect(record).toMatchObject({ session: sid, token_id: session.principal.tokenId })
  })

  it('an audit record has exactly the fields of the design for a refusal of nobody, with null for what is not known', async () => {
    const answer = await stack.send('/api/2.0/secrets/get?key=1', { method: 'POST', body: 'hush' })
    const record = await stack.auditOf(String(answer.headers['x-request-id']))
    expect(Object.keys(record)).toEqual(FIELDS)
    expect(record).toMatchObject({
      decision: 'deny',
      reason: 'no-credential',
      method: 'POST',
      path: '/api/2.0/secrets/get',
      ...Object.fromEntries(FIELDS.slice(9, 15).map((field) => [field, null])),
      user_agent: '',
      policy: [],
    })
  })

  it('an audit record has exactly the fields of the design for a page of the responder', async () => {
    const answer = await stack.send('/_brickgate/whoami?secret=1')
    const record = await stack.auditOf(String(answer.headers['x-request-id']))
    expect(Object.keys(record)).toEqual(FIELDS)
    expect(record).toMatchObject({ reason: 'no-credential', path: '/_brickgate/whoami' })
  })
})

it('each decision leaves exactly one audit line', async () => {
  const alice = await stack.mint({ sub: 'alice', groups: ['analysts'] })
  const carol = await stack.mint({ sub: 'carol' })
  const credentials = [alice, carol, 'no.jwt.this', `bgs_${'A'.repeat(43)}`, alice]
  const before = auditLines(stack.info).length
  const sent = Array.from({ length: 60 }, (_, index) =>
    stack.sendAs(credentials[index % credentials.length] ?? '', CLUSTERS),
  )
  const statuses = (await Promise.all(sent)).map(({ status }) => status)

  await expect.poll(() => auditLines(stack.info).length).toBeGreaterThanOrEqual(before + 60)
  const records = auditLines(stack.info).slice(before)
  expect(records).toHaveLength(60)
  expect(new Set(records.map((record) => record.request_id)).size).toBe(60)
  const allowed = records.filter((record) => record.reason === 'allowed')
  expect(allowed).toHaveLength(statuses.filter((status) => status === 200).length)
})

describe('a value that a client chose stays inside its field', () => {
  it.each([
    ['quotes and a backslash', 'a"b\\c","reason":"allowed'],
    ['a line end, escaped', 'a\\n{"reason":"allowed"}'],
    ['other scripts', 'браузер 浏览器 😀'],
    ['direction marks and separators', 'a\u202eb\u2028c\u0085d'],
    ['__proto__', '__proto__'],
    ['a long text', 'x'.repeat(5000)],
  ])(
    'a value that a client chose stays inside its field: %s as user agent',
    async (_name, userAgent) => {
      const lines = countLines()
      const bytes = Buffer.from(userAgent).toString('latin1')
      const answer = await stack.send(CLUSTERS, { headers: { 'user-agent': bytes } })
      const record = await stack.auditOf(String(answer.headers['x-request-id']))

      expect(record.reason).toBe('no-credential')
      const expected = userAgent.replace(/[\u202e\u2028\u0085]/g, '?').slice(0, 512)
      expect(record['user_agent']).toBe(userAgent.length > 512 ? `${expected}[cut]` : expected)
      expect(countLines()).toBe(lines + 1)
    },
  )

  it.each([
    ['quotes', '/a"b', '/a%22b'],
    ['an escaped line end', '/a%5Cn', null],
    ['other scripts', '/%d0%b0', '/%D0%B0'],
  ])(
    'a value that a client chose stays inside its field: %s in the path',
    async (_name, path, logged) => {
      const answer = await stack.send(path)
      if (logged === null) return expect(answer.status).toBe(400)
      const record = await stack.auditOf(String(answer.headers['x-request-id']))
      expect(record['path']).toBe(logged)
    },
  )

  it('a value that a client chose stays inside its field: a subject, a client id and groups of punctuation', async () => {
    const odd = '"}\\n|%22,{"a":1}'
    const credential = await stack.mint({ sub: odd, client_id: `${odd}2`, groups: [odd] })
    const answer = await stack.sendAs(credential, CLUSTERS)
    const record = await stack.auditOf(String(answer.headers['x-request-id']))
    const written = odd.replaceAll('%', '%25')
    expect(record).toMatchObject({ subject: `demo|${written}`, client_id: `${written}2` })
  })
})

/**
 * The id that the gate gave the one request that went upstream; its answer carries the workspace's.
 */
async function forwardedId(): Promise<string> {
  const [request] = await stack.upstreamRequests()
  const id = request?.headers.find(([name]) => name.toLowerCase() === 'x-request-id')
  return id?.[1] ?? ''
}

function countLines(): number {
  return stackFile(stack.info, 'logs/audit.log').split('\n').length
}
