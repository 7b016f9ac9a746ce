import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import type { RecordedRequest } from '../../demo/databricks/request-log.ts'
import { mintToken } from '../../demo/env.ts'
import { createTrustingFetch } from '../../demo/service/trusting-fetch.ts'
import { type Answer, type Listener, type Outgoing, send } from './answer.ts'
import { type Edge, type StackInfo, stackFile } from './stack.ts'

/** A line of the audit log. */
export interface AuditLine {
  readonly [field: string]: unknown
  readonly request_id: string | null
  readonly reason: string
}

/** Requests and commands of a test to a stack. */
export interface StackClient {
  readonly info: StackInfo
  readonly redis: Redis
  /** the listener of a tier of an edge, by default the internal one of the first */
  listener(tier?: 'internal' | 'external', edge?: Edge): Listener
  /** sends a request to the internal tier of the first edge */
  send(path: string, outgoing?: Outgoing): Promise<Answer>
  /** the same with a bearer token */
  sendAs(token: string, path: string, outgoing?: Outgoing): Promise<Answer>
  /** a token of the demo's provider with these claims */
  mint(claims: object): Promise<string>
  idp(method: string, path: string, body?: object): Promise<unknown>
  upstreamRequests(): Promise<readonly RecordedRequest[]>
  forgetUpstreamRequests(): Promise<void>
  /** the audit line of an answer, waited for: observers run after the reply */
  auditOf(requestId: string): Promise<AuditLine>
  /** `/metrics` as sample name with labels → value */
  metrics(): Promise<ReadonlyMap<string, number>>
  admin(path: string): Promise<{ status: number; body: string }>
  close(): void
}

const AUDIT_WITHIN_MS = 5000

export function stackClient(info: StackInfo): StackClient {
  const { demo, edges } = info
  const ca = readFileSync(demo.pki.ca, 'utf8')
  const trusting = createTrustingFetch(ca)
  const redis = new Redis(demo.ports.redis, '127.0.0.1', { lazyConnect: true })
  redis.on('error', () => undefined) // tests stop Redis on purpose
  const control = `http://127.0.0.1:${demo.ports.control}/__sim`

  const client: StackClient = {
    info,
    redis,
    listener: (tier = 'internal', edge = edges[0]) => ({ port: edge?.[tier] ?? 0, ca }),
    send: (path, outgoing) => send(client.listener(), path, outgoing),
    sendAs: (token, path, outgoing = {}) =>
      client.send(path, {
        ...outgoing,
        headers: { authorization: `Bearer ${token}`, ...outgoing.headers },
      }),
    mint: (claims) => mintToken(demo, claims),
    async idp(method, path, body) {
      const init = body === undefined ? {} : { body: JSON.stringify(body) }
      const url = `https://localhost:${demo.ports.idp}/__demo/${path}`
      const response = await trusting(url, { method, ...init })
      return response.status === 204 ? null : response.json()
    },
    async upstreamRequests() {
      const response = await fetch(`${control}/requests`)
      return (await response.json()) as readonly RecordedRequest[]
    },
    async forgetUpstreamRequests() {
      await fetch(`${control}/requests`, { method: 'DELETE' })
    },
    auditOf: (requestId) => findAuditLine(info, requestId),
    async metrics() {
      return parseMetrics((await client.admin('/metrics')).body)
    },
    async admin(path) {
      const response = await fetch(`http://127.0.0.1:${demo.ports.admin}${path}`)
      return { status: response.status, body: await response.text() }
    },
    close: () => redis.disconnect(),
  }
  return client
}

/** Every audit line so far, oldest first. */
export function auditLines(info: StackInfo): readonly AuditLine[] {
  return jsonLines(stackFile(info, 'logs/audit.log')) as readonly AuditLine[]
}

/** Every line of an edge's access log so far; lighttpd writes it some seconds late. */
export function accessLines(info: StackInfo): readonly Readonly<Record<string, unknown>>[] {
  return jsonLines(stackFile(info, 'logs/access.log')) as Readonly<Record<string, unknown>>[]
}

async function findAuditLine(info: StackInfo, requestId: string): Promise<AuditLine> {
  const giveUpMs = Date.now() + AUDIT_WITHIN_MS
  for (;;) {
    const found = auditLines(info).findLast((line) => line.request_id === requestId)
    if (found !== undefined) return found
    if (Date.now() > giveUpMs) throw new Error(`no audit line for ${requestId}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** The values of a file of one JSON value a line, as far as its lines are whole. */
export function jsonLines(text: string): unknown[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1) // the last line may be half written
  return whole.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
}

function parseMetrics(page: string): Map<string, number> {
  const samples = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))]
    }),
  )
}
