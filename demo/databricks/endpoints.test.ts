import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SimulatorFixture, startSimulator } from './simulator-fixture.ts'

const STATEMENT = '/api/2.0/sql/statements/00000000-0000-4000-8000-000000000000'
let workspace: SimulatorFixture

beforeAll(async () => {
  workspace = await startSimulator()
})

afterAll(() => workspace.close())

describe('the endpoints', () => {
  it.each<[string, string, object | null, string]>([
    ['GET', '/api/2.0/clusters/list', null, 'clusters'],
    ['GET', '/api/2.1/clusters/list', null, 'clusters'],
    ['GET', '/api/2.1/clusters/get?cluster_id=1122-334455-abcdefg1', null, 'cluster_name'],
    ['GET', '/api/2.0/jobs/list', null, 'jobs'],
    ['GET', '/api/2.2/jobs/list?limit=1', null, 'jobs'],
    ['GET', '/api/2.1/jobs/get?job_id=101', null, 'settings'],
    ['POST', '/api/2.2/jobs/run-now', { job_id: 101 }, 'run_id'],
    ['GET', '/api/2.0/preview/scim/v2/Me', null, 'userName'],
    ['POST', '/api/2.0/sql/statements', { statement: 'select 1' }, 'statement_id'],
    ['POST', '/api/2.0/sql/statements/', { statement: 'select 1' }, 'result'],
    ['GET', STATEMENT, null, 'status'],
    ['GET', `${STATEMENT}/result/chunks/0`, null, 'data_array'],
    ['GET', '/api/2.0/token/list', null, 'token_infos'],
    ['POST', '/api/2.0/token/create', {}, 'token_value'],
    ['GET', '/api/2.0/secrets/get?scope=demo&key=demo', null, 'value'],
    ['POST', '/serving-endpoints/gpt/invocations', { max_tokens: 2 }, 'choices'],
  ])('answer %s %s', async (method, path, body, member) => {
    const call = body === null ? { method } : { method, body: JSON.stringify(body) }
    const answer = await workspace.send(path, call)
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body.toString())).toHaveProperty(member)
  })

  it.each<[string, string, object, number]>([
    ['POST', '/api/2.1/clusters/start', { cluster_id: '1122-334455-abcdefg2' }, 200],
    ['POST', '/api/2.1/clusters/start', { cluster_id: '__proto__' }, 400],
    ['POST', '/api/2.1/clusters/start', [], 400],
    ['POST', '/api/2.2/jobs/run-now', {}, 400],
    ['POST', '/api/2.0/sql/statements', {}, 400],
    ['POST', `${STATEMENT}/cancel`, {}, 200],
    ['DELETE', STATEMENT, {}, 200],
    ['GET', '/api/2.3/jobs/list', {}, 404],
    ['POST', '/api/2.0/clusters/list', {}, 404],
    ['GET', '/api/2.0/clusters/list/', {}, 404],
    ['GET', '//api/2.0/clusters/list', {}, 404],
    ['POST', '/serving-endpoints/gpt/invocations', { max_tokens: 1e9 }, 400],
  ])('answer %s %s %j with %i', async (method, path, body, status) => {
    const answer = await workspace.send(path, { method, body: JSON.stringify(body) })
    expect(answer.status).toBe(status)
  })

  it('answer 400 for a body that is not JSON or too long, and go on', async () => {
    for (const body of ['{', 'x'.repeat(2 * 1024 * 1024)]) {
      const answer = await workspace.send('/api/2.2/jobs/run-now', { method: 'POST', body })
      expect(answer.status).toBe(400)
      expect(JSON.parse(answer.body.toString()).error_code).toBe('INVALID_PARAMETER_VALUE')
    }
  })

  it('carry the headers of a workspace', async () => {
    const { headers } = await workspace.send('/api/2.0/clusters/list')
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'x-databricks-org-id': '1234567890123456',
      server: 'databricks',
      'alt-svc': 'h3=":5443"',
      'x-content-type-options': 'nosniff',
    })
    expect(headers['x-request-id']).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(headers['strict-transport-security']).toContain('max-age=')
  })

  it('name what was not found the way the SDKs read it', async () => {
    const answer = await workspace.send('/api/2.0/nothing?here')
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      error_code: 'NOT_FOUND',
      message: "No API found for 'GET /api/2.0/nothing'.",
      details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', metadata: {} }],
    })
  })
})

describe('Thrift over HTTP', () => {
  const call = Buffer.concat([
    Buffer.from('80010001', 'hex'),
    Buffer.from('0000000b', 'hex'),
    Buffer.from('OpenSession'),
    Buffer.from('0000002a', 'hex'),
    Buffer.alloc(1000, 1),
  ])
  const reply = Buffer.concat([
    Buffer.from('800100020000000b', 'hex'),
    Buffer.from('OpenSession'),
    Buffer.from('0000002a00', 'hex'),
  ])

  it.each(['/sql/1.0/warehouses/abc', '/sql/1.0/endpoints/abc', '/sql/protocolv1/o/1/abc'])(
    'answers a call on %s with an empty reply of its name and sequence id',
    async (path) => {
      const answer = await workspace.send(path, { method: 'POST', body: call })
      expect(answer.headers['content-type']).toBe('application/x-thrift')
      expect(answer.body).toEqual(reply)
    },
  )

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a truncated call', call.subarray(0, 20)],
    ['a reply', reply],
    ['a length beyond everything', Buffer.from('80010001ffffffff0000000000', 'hex')],
  ])('answers 400 for %s', async (_name, body) => {
    const answer = await workspace.send('/sql/1.0/warehouses/abc', { method: 'POST', body })
    expect(answer.status).toBe(400)
    expect(answer.headers['x-thriftserver-error-message']).toBe('not a Thrift call')
  })
})
