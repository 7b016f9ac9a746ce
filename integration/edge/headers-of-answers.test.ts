import type { IncomingHttpHeaders } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { send, sendRaw } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { valuesOf } from '../harness/upstream.ts'
import { behave, clearBehaviours } from './behaviour.ts'
import { OTHER_COOKIES, OUR_COOKIES } from './cookies-of-answers.ts'
import { EDGES } from './edges.ts'
import { requestText } from './requests.ts'

const PATH = '/api/2.1/clusters/answered'

let stack: StackClient
let alice: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  alice = await stack.mint({ sub: 'alice', groups: ['analysts'] })
})

afterEach(() => clearBehaviours(stack))

afterAll(() => stack.close())

describe.each(EDGES)('of what the workspace answers, lighttpd $version', (edge) => {
  it.each([
    ['alt-svc', 'h3=":443"; ma=86400'],
    ['clear-site-data', '"cookies", "storage"'],
    ['variable-brickgate-user', 'forged'],
    ['x-brickgate-egress', 'forged'],
    ['keep-alive', 'timeout=75'],
    ['proxy-connection', 'keep-alive'],
    ['nel', '{"report_to":"a","max_age":31536000}'],
    ['NEL', '{"report_to":"a","max_age":31536000}'],
    ['report-to', '{"group":"a","max_age":1,"endpoints":[{"url":"https://x.example"}]}'],
    ['reporting-endpoints', 'a="https://x.example"'],
    ['service-worker-allowed', '/'],
    ['Service-Worker-Allowed', '/'],
    ['origin-trial', 'x'],
    ['accept-ch', 'Sec-CH-UA-Model'],
    ['set-login', 'logged-in'],
    ['secure-session-registration', '(ES256);path="x"'],
    ['attribution-reporting-register-source', '{}'],
    ['access-control-allow-origin', '*'],
    ['Access-Control-Allow-Origin', '*'],
    ['access-control-allow-credentials', 'true'],
    ['access-control-allow-methods', 'GET, DELETE'],
    ['access-control-allow-headers', 'authorization'],
    ['ACCESS-CONTROL-EXPOSE-HEADERS', 'x-request-id'],
    ['access-control-max-age', '86400'],
    ['access-control-allow-private-network', 'true'],
  ])('of the workspace’s answers, lighttpd removes %s', async (name, value) => {
    expect((await answered({ [name]: value }))[name.toLowerCase()]).toBeUndefined()
  })

  it('of the workspace’s answers, lighttpd passes on no Expect of a client that has sent its body already', async () => {
    await stack.forgetUpstreamRequests()
    const fields = [`Authorization: Bearer ${alice}`, 'Connection: close', 'Content-Length: 2']
    const post = requestText('/api/2.0/sql/statements', [...fields, 'Expect: 100-continue'], 'POST')
    expect(await sendRaw(stack.listener('internal', edge), `${post}{}`)).toMatch(/ 400 /)
    const [request] = await stack.upstreamRequests()
    expect(valuesOf(request, 'content-length')).toEqual(['2'])
    expect(valuesOf(request, 'expect')).toEqual([])
  })

  it('of the workspace’s answers, lighttpd removes Strict-Transport-Security, which would speak for our host name', async () => {
    const hsts = { 'strict-transport-security': 'max-age=1; includeSubDomains; preload' }
    expect((await answered(hsts))['strict-transport-security']).toBeUndefined()
  })

  it.each(OUR_COOKIES)(
    'of the workspace’s answers, lighttpd removes Set-Cookie of our names: %s',
    async (cookie) => {
      expect((await answered({ 'set-cookie': cookie }))['set-cookie']).toBeUndefined()
      const among = [OTHER_COOKIES[0] ?? '', cookie, OTHER_COOKIES[1] ?? '']
      expect((await answered({ 'set-cookie': among }))['set-cookie']).toEqual(
        OTHER_COOKIES.slice(0, 2),
      )
    },
  )

  it('of the workspace’s answers, lighttpd keeps every other Set-Cookie, in order', async () => {
    const kept = await answered({ 'set-cookie': OTHER_COOKIES })
    expect(kept['set-cookie']).toEqual(OTHER_COOKIES)
    const mixed = [...OUR_COOKIES, ...OTHER_COOKIES, ...OUR_COOKIES]
    expect((await answered({ 'set-cookie': mixed }))['set-cookie']).toEqual(OTHER_COOKIES)
  })

  it.each([
    ['x-request-id', 'of-the-workspace'],
    ['x-databricks-org-id', '1234567890123456'],
    ['x-databricks-reason-phrase', 'a reason'],
    ['retry-after', '7'],
    ['www-authenticate', 'Bearer realm="DatabricksRealm"'],
    ['content-type', 'text/html'],
    ['etag', '"1"'],
  ])('of the workspace’s answers, lighttpd keeps %s', async (name, value) => {
    expect((await answered({ [name]: value }))[name]).toBe(value)
  })

  it.each([204, 400, 401, 403, 404, 409, 429, 500, 501, 502, 503, 504])(
    'of the workspace’s answers, lighttpd keeps the status %i and its body, whatever its type',
    async (status) => {
      const body = status === 204 ? '' : '<p>of the workspace</p>'
      for (const type of ['text/html', 'application/json']) {
        await behave(stack, { path: PATH, status, body, headers: { 'content-type': type } })
        const answer = await sendRequest()
        expect(answer).toMatchObject({ status, body })
        expect(answer.headers['content-type']).toBe(type)
      }
    },
  )

  /** The headers that a client gets when the workspace sends these. */
  async function answered(
    headers: Readonly<Record<string, string | readonly string[]>>,
  ): Promise<IncomingHttpHeaders> {
    await behave(stack, { path: PATH, status: 200, body: '{}', headers })
    const answer = await sendRequest()
    expect(answer).toMatchObject({ status: 200, body: '{}' })
    expect(answer.headers['x-databricks-org-id']).toBe(stack.info.config.workspace.id)
    return answer.headers
  }

  function sendRequest() {
    const headers = { authorization: `Bearer ${alice}` }
    return send(stack.listener('internal', edge), PATH, { headers })
  }
})
