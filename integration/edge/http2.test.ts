import { createHash } from 'node:crypto'
import type { OutgoingHttpHeaders } from 'node:http2'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { readRefusal } from '../harness/refusals.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { valuesOf } from '../harness/upstream.ts'
import { behave, clearBehaviours } from './behaviour.ts'
import { describeHttp2 } from './edges.ts'
import { connectHttp2, type Http2Client } from './http2-client.ts'
import { createRandom } from './random.ts'
import { fieldsOf } from './requests.ts'
import { fuzzedSpelling, RESERVED_HEADERS, spellings } from './reserved-headers.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const ME = '/api/2.0/preview/scim/v2/Me'
const STATEMENTS = '/api/2.0/sql/statements'
const USERS = 300
const CONNECTIONS = 40
const FORGED = 'forged'

/** Fields without a place in HTTP/2 (RFC 9113 section 8.2.2), which Node does not send. */
const NOT_IN_HTTP2 = new Set(['keep-alive', 'proxy-connection', 'http2-settings', 'te'])

let stack: StackClient
let alice: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  const groups = ['analysts', 'data-eng']
  alice = await stack.mint({ sub: 'alice', email: 'alice@example.com', groups })
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describeHttp2((edge) => {
  describe('over HTTP/2, a client that forges headers tells the workspace no more:', () => {
    let client: Http2Client
    let honest: readonly string[]

    beforeAll(async () => {
      client = await connectHttp2(stack.listener('internal', edge))
      await stack.forgetUpstreamRequests()
      honest = await received({})
    })

    afterAll(() => client.close())

    it('over HTTP/2, the workspace is told the caller, and nothing of the proof', () => {
      const { id, host } = stack.info.config.workspace
      expect(honest).toEqual(
        expect.arrayContaining([
          `authorization: Bearer ${alice}`,
          `host: ${host}`,
          'x-forwarded-user: alice',
          'x-forwarded-email: alice@example.com',
          'x-forwarded-groups: analysts,data-eng',
          'x-brickgate-tier: internal',
          'x-request-id: <id>',
          `x-databricks-org-id: ${id}`,
          `x-databricks-workspace-id: ${id}`,
        ]),
      )
      expect(honest.filter((field) => /proof|^connection|^upgrade/.test(field))).toEqual([])
    })

    it.each(RESERVED_HEADERS.filter((name) => !NOT_IN_HTTP2.has(name.toLowerCase())))(
      'over HTTP/2, a client that forges headers tells the workspace no more: %s in every spelling',
      async (name) => {
        const names = new Set(spellings(name).map((spelling) => spelling.toLowerCase()))
        const forged = [...names].map((spelling) => [spelling, FORGED])
        expect(await received(Object.fromEntries(forged))).toEqual(honest)
      },
    )

    it('over HTTP/2, a client that forges headers tells the workspace no more: 1,000 spellings', async () => {
      const random = createRandom(20_261_124)
      for (let sent = 0; sent < 1000; sent += 25) {
        await stack.forgetUpstreamRequests()
        const names = Array.from({ length: 25 }, () => fuzzedSpelling(random).toLowerCase())
        const sendable = names.filter((name) => !NOT_IN_HTTP2.has(name))
        const forged = Object.fromEntries(sendable.map((name) => [name, FORGED]))
        expect({ names, fields: await received(forged) }).toEqual({ names, fields: honest })
      }
    })

    /**
     * Sends a request of alice's with further headers; resolves to the request that the workspace
     * got.
     */
    async function received(headers: OutgoingHttpHeaders): Promise<readonly string[]> {
      const credential = { authorization: `Bearer ${alice}` }
      const { status } = await client.sendRequest({ ':path': CLUSTERS, ...credential, ...headers })
      expect(status).toBe(200)
      const requests = await stack.upstreamRequests()
      expect(requests).toHaveLength(1)
      return fieldsOf(requests[0])
    }
  })

  describe('over HTTP/2, an answer is whole though the workspace sends with it', () => {
    afterEach(() => clearBehaviours(stack))

    it.each([
      ['keep-alive', 'timeout=75'],
      ['proxy-connection', 'keep-alive'],
      ['connection', 'keep-alive, x-custom'],
      ['upgrade', 'h2c'],
      ['x-custom', 'a'],
    ])('over HTTP/2, an answer is whole though the workspace sends %s', async (name, value) => {
      await behave(stack, { path: CLUSTERS, status: 200, body: '{}', headers: { [name]: value } })
      const client = await connectHttp2(stack.listener('internal', edge))
      const answer = await client.sendRequest({
        ':path': CLUSTERS,
        authorization: `Bearer ${alice}`,
      })
      client.close()
      expect(answer).toMatchObject({ status: 200, body: '{}' })
      expect(answer.headers[name]).toBe(name === 'x-custom' ? value : undefined)
    })
  })

  describe(`${USERS} streams of different users over ${CONNECTIONS} connections:`, () => {
    let clients: readonly Http2Client[]
    let tokens: readonly string[]

    beforeAll(async () => {
      tokens = await mintAll()
      const connecting = Array.from({ length: CONNECTIONS }, () =>
        connectHttp2(stack.listener('internal', edge)),
      )
      clients = await Promise.all(connecting)
    })

    afterAll(() => {
      for (const client of clients) client.close()
    })

    it('streams of different users over shared connections each get their own answer, and go on as themselves', async () => {
      const answers = await eachUser((client, user, token) =>
        client.sendRequest({ ':path': ME, authorization: `Bearer ${token}`, 'x-probe': user }),
      )
      const names = answers.map(({ body }) => JSON.parse(body).userName)
      expect(names).toEqual(answers.map((_, at) => userName(at)))
      await expectOwnIdentities()
    })

    it('over shared connections, each body arrives with the identity of its sender', async () => {
      const bodyOf = (user: string): string =>
        JSON.stringify({ statement: user.repeat((Number(user.slice(1)) * 97) % 5000) })
      const answers = await eachUser((client, user, token) =>
        client.sendRequest(
          {
            ':method': 'POST',
            ':path': STATEMENTS,
            authorization: `Bearer ${token}`,
            'x-probe': user,
          },
          bodyOf(user),
        ),
      )
      expect(answers.filter(({ status }) => status !== 200)).toEqual([])
      for (const { user, sha256 } of await expectOwnIdentities()) {
        expect(sha256).toBe(createHash('sha256').update(bodyOf(user)).digest('hex'))
      }
    })

    it('over shared connections, a caller without permission, or without a token, is refused beside permitted callers', async () => {
      const answers = await eachUser((client, user, token) => {
        const kind = Number(user.slice(1)) % 3
        const headers = { ':path': kind === 1 ? '/api/2.0/secrets/get' : ME, 'x-probe': user }
        return client.sendRequest(
          kind === 2 ? headers : { ...headers, authorization: `Bearer ${token}` },
        )
      })
      expect(answers.map(({ status }) => status)).toEqual(
        answers.map((_, at) => [200, 403, 401][at % 3]),
      )
      for (const answer of answers) if (answer.status !== 200) readRefusal(answer)
      const passed = await expectOwnIdentities()
      expect(passed).toHaveLength(USERS / 3)
    })

    /** Lets every user ask at once, those of a connection on streams beside each other. */
    function eachUser<T>(
      sendRequest: (client: Http2Client, user: string, token: string) => Promise<T>,
    ) {
      return Promise.all(
        tokens.map((token, at) => {
          const client = clients[at % CONNECTIONS]
          if (client === undefined) throw new Error('not connected')
          return sendRequest(client, userName(at), token)
        }),
      )
    }

    /** That every request that arrived has the identity and the credential of its sender. */
    async function expectOwnIdentities() {
      const requests = await stack.upstreamRequests()
      const seen = requests.map((request) => ({
        user: valuesOf(request, 'x-probe').join(),
        identity: valuesOf(request, 'x-forwarded-user').join(),
        authorization: valuesOf(request, 'authorization').join(),
        sha256: request.body.sha256,
      }))
      for (const { user, identity, authorization } of seen) {
        const own = tokens[Number(user.slice(1))]
        expect({ identity, authorization }).toEqual({
          identity: user,
          authorization: `Bearer ${own}`,
        })
      }
      expect(new Set(seen.map(({ user }) => user)).size).toBe(seen.length)
      return seen
    }
  })
})

function userName(at: number): string {
  return `u${at}`
}

async function mintAll(): Promise<readonly string[]> {
  const tokens: string[] = []
  while (tokens.length < USERS) {
    const batch = Array.from({ length: 20 }, (_, at) =>
      stack.mint({ sub: userName(tokens.length + at), groups: ['analysts'] }),
    )
    tokens.push(...(await Promise.all(batch)))
  }
  return tokens
}
