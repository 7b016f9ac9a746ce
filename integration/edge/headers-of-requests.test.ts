import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RecordedRequest } from '../../demo/databricks/request-log.ts'
import { VERSION } from '../../sidecar/src/config/version.ts'
import { type Answer, openRaw, send, sendRaw } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { auditedRefusal, forbidden, unauthorized } from '../harness/refusals.ts'
import { makeSession } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { requestIdOf, valuesOf } from '../harness/upstream.ts'
import { EDGES } from './edges.ts'
import { createRandom } from './random.ts'
import { createRawClient, type RawClient } from './raw-client.ts'
import { fieldsOf, requestText } from './requests.ts'
import { fuzzedSpelling, RESERVED_HEADERS, spellings } from './reserved-headers.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const SECRETS = '/api/2.0/secrets/get'
const WHOAMI = '/_brickgate/whoami'
const TIERS = ['internal', 'external'] as const
const FORGED = 'forged'

let stack: StackClient
let alice: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  const groups = ['analysts', 'data-eng']
  alice = await stack.mint({ sub: 'alice', email: 'alice@example.com', groups })
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe.each(EDGES)('lighttpd $version', (edge) => {
  let client: RawClient

  beforeAll(() => {
    client = createRawClient(() => openRaw(stack.listener('internal', edge)))
  })

  afterAll(() => client.close())

  it.each(TIERS)('the workspace learns the caller on the %s tier, and no more', async (tier) => {
    const headers = { authorization: `Bearer ${alice}`, 'user-agent': 'probe/1' }
    expect((await send(stack.listener(tier, edge), CLUSTERS, { headers })).status).toBe(200)

    const request = await onlyRequest()
    const { host, id } = stack.info.config.workspace
    const authority = new URL(stack.info.config.tiers[tier].public_url).host
    expect(request).toMatchObject({ target: CLUSTERS, serverName: host })
    expect(requestIdOf(request)).toMatch(/^[0-9a-f]{32}$/)
    expect(fieldsOf(request)).toEqual([
      `authorization: Bearer ${alice}`,
      `host: ${host}`,
      `user-agent: probe/1 brickgate/${VERSION} rid/<id>`,
      `x-brickgate-tier: ${tier}`,
      `x-databricks-org-id: ${id}`,
      `x-databricks-workspace-id: ${id}`,
      'x-forwarded-email: alice@example.com',
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-groups: analysts,data-eng',
      `x-forwarded-host: ${authority}`,
      'x-forwarded-proto: https',
      'x-forwarded-user: alice',
      `x-host: ${authority}`,
      'x-request-id: <id>',
    ])
    expect(await stack.auditOf(requestIdOf(request))).toMatchObject({
      reason: 'allowed',
      subject: 'demo|alice',
      tier,
    })
  })

  describe('a client that forges headers tells the workspace no more than one that does not:', () => {
    let honest: readonly string[]

    beforeAll(async () => {
      await stack.forgetUpstreamRequests()
      honest = await received([])
    })

    it.each(RESERVED_HEADERS)('%s in any spelling has no effect (CVE-2025-64484)', async (name) => {
      const forged = spellings(name).map((spelling) => `${spelling}: ${FORGED}`)
      expect(await received(forged)).toEqual(honest)
    })

    it.each(RESERVED_HEADERS)('%s in Connection has no effect (CVE-2024-45410)', async (name) => {
      const named = [`Connection: ${name}`, `connection: keep-alive, ${name.toLowerCase()}`]
      expect(await received([...named, `${name}: ${FORGED}`])).toEqual(honest)
    })

    it('1,000 spellings of headers, some named in Connection, have no effect', async () => {
      const random = createRandom(20_261_122)
      const names = Array.from({ length: 1000 }, () => fuzzedSpelling(random))
      while (names.length > 0) {
        await stack.forgetUpstreamRequests()
        const batch = names.splice(0, 25)
        const connection = random.pick(['Connection', 'connection', 'CONNECTION', 'cOnNeCtIoN'])
        const forged = batch.map((name) => `${name}:${random.pick([' ', '\t', ''])}${FORGED}`)
        const fields = [`${connection}: ${batch.slice(0, 5).join(', ')}`, ...forged]
        expect({ batch, fields: await received(fields) }).toEqual({ batch, fields: honest })
      }
    })

    it.each([
      'X-Forwarded-User, X-Brickgate-Proof, X-Request-Id, Host, Authorization, User-Agent',
      'close, x-forwarded-user, x-databricks-org-id, x-brickgate-tier, cookie, authorization',
    ])('our headers in Connection have no effect: %s', async (names) => {
      expect(await received([`connection: ${names}`])).toEqual(honest)
    })

    it('a folded line becomes part of the header before it, and no header', async () => {
      const fields = ['X-Custom: a', '\tX-Forwarded-User: forged', 'X-Custom: b']
      const [custom, ...rest] = (await received(fields)).toSorted(customFirst)
      expect(custom).toMatch(/^x-custom: a\s+X-Forwarded-User: forged, b$/)
      expect(rest).toEqual(honest)
    })

    it('other headers of a client pass, duplicates joined in order', async () => {
      const fields = ['X-Custom: a', 'x-custom: b', 'Accept: text/plain']
      expect(await received(fields)).toEqual(
        [...honest, 'accept: text/plain', 'x-custom: a, b'].sort(),
      )
    })
  })

  it.each([
    'x-databricks-sea-can-run-fully-sync',
    'x-databricks-metadata-operation-type',
    'x-databricks-require-thrift-native-metadata',
    'x-databricks-endpoints-api-client',
    'x-databricks-uc-table-name',
    'x-databricks-use-coding-agent-mode',
    'x-goog-api-client',
    'x-ms-client-request-id',
    'x-stainless-lang',
  ])('%s passes, which clients need', async (name) => {
    expect((await sendRequest(CLUSTERS, [`${name.toUpperCase()}: 1`])).status).toBe(200)
    expect(valuesOf(await onlyRequest(), name)).toEqual(['1'])
  })

  it('a caller without e-mail, with no cookie but ours, has neither header', async () => {
    const { id, sid } = await makeSession(stack)
    const cookie = `Cookie: __Host-brickgate=${id}`
    const answer = await client.sendRequest(
      requestText(CLUSTERS, [cookie, `X-Forwarded-Email: ${FORGED}`]),
    )
    await stack.redis.del(`bg:session:${sid}`)
    expect(answer.status).toBe(200)
    const request = await onlyRequest()
    expect(valuesOf(request, 'x-forwarded-user')).toEqual(['alice'])
    expect(valuesOf(request, 'x-forwarded-email')).toEqual([])
    expect(valuesOf(request, 'cookie')).toEqual([])
  })

  it('callers who share a connection keep their own identities, one after another and at once', async () => {
    const bob = await stack.mint({ sub: 'bob', groups: ['analysts'] })
    const tokens = [alice, bob, null, alice, null, bob]
    const requests = tokens.map((token, at) => {
      const credential = token === null ? [] : [`Authorization: Bearer ${token}`]
      const isLast = at === tokens.length - 1
      const fields = [...credential, `X-Forwarded-Email: ${FORGED}`]
      return requestText(CLUSTERS, isLast ? [...fields, 'Connection: close'] : fields)
    })
    const expected = [200, 200, 401, 200, 401, 200]
    const identities = ['alice alice@example.com', 'bob ', 'alice alice@example.com', 'bob ']

    for (const [at, request] of requests.entries()) {
      expect((await client.sendRequest(request)).status).toBe(expected[at])
    }
    expect((await stack.upstreamRequests()).map(identityOf)).toEqual(identities)
    await stack.forgetUpstreamRequests()
    const answers = await sendRaw(stack.listener('internal', edge), requests.join(''))
    const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) =>
      Number(status),
    )
    expect(statuses).toEqual(expected)
    expect((await stack.upstreamRequests()).map(identityOf)).toEqual(identities)
  })

  it.each(TIERS)('a client cannot choose its tier on the %s listener', async (tier) => {
    const headers = {
      authorization: `Bearer ${alice}`,
      'x-brickgate-tier': TIERS.filter((other) => other !== tier),
      x_brickgate_tier: TIERS.filter((other) => other !== tier),
    }
    expect((await send(stack.listener(tier, edge), CLUSTERS, { headers })).status).toBe(200)

    const request = await onlyRequest()
    expect(valuesOf(request, 'x-brickgate-tier')).toEqual([tier])
    expect(await stack.auditOf(requestIdOf(request))).toMatchObject({ tier })
  })

  describe('a forged target or method changes nothing (CVE-2026-40575, CVE-2023-27487):', () => {
    it.each([
      'X-Forwarded-Uri',
      'X-Forwarded-Prefix',
      'X-Original-URL',
      'X-Original-Uri',
      'X-Rewrite-URL',
      'X-Envoy-Original-Path',
    ])('a forged target or method changes nothing: %s', async (name) => {
      const forbiddenPath = await sendRequest(SECRETS, [`${name}: ${CLUSTERS}`])
      expect(await auditedRefusal(stack, forbiddenPath)).toEqual(
        forbidden('policy-forbid', 'insufficient_scope'),
      )
      expect((await sendRequest(CLUSTERS, [`${name}: ${SECRETS}`])).status).toBe(200)
      const request = await onlyRequest()
      expect(request.target).toBe(CLUSTERS)
      expect(await stack.auditOf(requestIdOf(request))).toMatchObject({ path: CLUSTERS })
    })

    it.each(['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'X-Forwarded-Method'])(
      'a forged target or method changes nothing: %s',
      async (name) => {
        const bob = await stack.mint({ sub: 'bob', groups: ['analysts'] })
        const post = await sendRequest(CLUSTERS, [`${name}: GET`, 'Content-Length: 0'], {
          method: 'POST',
          token: bob,
        })
        expect(await auditedRefusal(stack, post)).toEqual(
          forbidden('no-policy-permits', 'insufficient_scope'),
        )
        expect((await sendRequest(CLUSTERS, [`${name}: DELETE`], { token: bob })).status).toBe(200)
        const request = await onlyRequest()
        expect(request.method).toBe('GET')
        expect(fieldsOf(request).filter((field) => field.includes('DELETE'))).toEqual([])
      },
    )
  })

  it.each([
    'GoogleHC/1.0',
    'kube-probe/1.31',
    'ELB-HealthChecker/2.0',
    'Envoy/HC',
    'Prometheus/2.53',
    `brickgate/${VERSION}`,
  ])('a health check is authorized like anybody: %s (CVE-2026-34457)', async (userAgent) => {
    for (const path of [CLUSTERS, '/healthz', '/ping', '/']) {
      const headers = { 'user-agent': userAgent }
      const answer = await send(stack.listener('internal', edge), path, { headers })
      expect(await auditedRefusal(stack, answer)).toEqual(unauthorized('no-credential', 'bare'))
    }
  })

  it('whoami believes no header either (mod_auth_openidc #222)', async () => {
    const forged = RESERVED_HEADERS.map((name) => `${name}: ${FORGED}`)
    expect((await client.sendRequest(requestText(WHOAMI, forged))).status).toBe(401)
    const answer = await sendRequest(WHOAMI, forged)
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body)).toMatchObject({ subject: 'alice' })
    expect(answer.body).not.toContain(FORGED)
    expect(await stack.upstreamRequests()).toEqual([])
  })

  /**
   * Sends a request of alice's with further headers; resolves to the request that the workspace
   * got.
   */
  async function received(fields: readonly string[]): Promise<readonly string[]> {
    expect((await sendRequest(CLUSTERS, ['User-Agent: probe/1', ...fields])).status).toBe(200)
    return fieldsOf(await onlyRequest())
  }

  function sendRequest(
    target: string,
    fields: readonly string[],
    { method = 'GET', token = alice } = {},
  ): Promise<Answer> {
    const credential = `Authorization: Bearer ${token}`
    return client.sendRequest(requestText(target, [credential, ...fields], method))
  }
})

async function onlyRequest(): Promise<RecordedRequest> {
  const [request, ...others] = await stack.upstreamRequests()
  if (request === undefined || others.length > 0) {
    throw new Error(`the workspace got ${request === undefined ? 0 : 1 + others.length} requests`)
  }
  return request
}

function identityOf(request: RecordedRequest): string {
  const [user, email] = ['x-forwarded-user', 'x-forwarded-email'].map((name) =>
    valuesOf(request, name).join(),
  )
  return `${user} ${email}`
}

function customFirst(one: string, other: string): number {
  return Number(other.startsWith('x-custom')) - Number(one.startsWith('x-custom'))
}
