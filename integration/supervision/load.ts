import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished } from 'vitest'
import type { StackClient } from '../stack/client.ts'

/** A caller of the load, and how the gateway must answer it whenever it can tell. */
export interface Caller {
  readonly name: string
  readonly token: string
  readonly status: 200 | 401 | 403
}

/** What became of one request. */
export interface Outcome {
  readonly caller: Caller
  /** `performance.now()` when it was sent */
  readonly sentMs: number
  readonly tookMs: number
  /** 0 when the connection broke */
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: string
}

export interface Load {
  /** sends no more, and waits for the answers */
  stop(): Promise<readonly Outcome[]>
}

const PER_SECOND = 100
const AT_ONCE = 32

/** Three callers: one is allowed, one may not do this, one has no valid token. */
export async function callers(stack: StackClient): Promise<readonly Caller[]> {
  const exp = Math.floor(Date.now() / 1000) - 60
  return [
    { name: 'alice', token: await stack.mint({ sub: 'alice', groups: ['analysts'] }), status: 200 },
    { name: 'mallory', token: await stack.mint({ sub: 'mallory', groups: [] }), status: 403 },
    { name: 'eve', token: await stack.mint({ sub: 'eve', iat: exp - 60, exp }), status: 401 },
  ]
}

/** Sends 100 requests a second, the callers taking turns, until it is stopped. */
export function startLoad(stack: StackClient, callers: readonly Caller[]): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  const outcomes: Promise<Outcome>[] = []
  const startedMs = performance.now()
  const timer = setInterval(() => {
    // by the clock, so that a late timer does not thin the load
    const due = ((performance.now() - startedMs) / 1000) * PER_SECOND
    while (outcomes.length < due) {
      const caller = callers[outcomes.length % callers.length]
      if (caller !== undefined) outcomes.push(send(stack, agent, caller))
    }
  }, 1000 / PER_SECOND)
  const end = (): void => clearInterval(timer)
  onTestFinished(end) // also when it fails
  return {
    async stop() {
      end()
      const all = await Promise.all(outcomes)
      agent.destroy()
      return all
    },
  }
}

function send(stack: StackClient, agent: Agent, caller: Caller): Promise<Outcome> {
  const { port, ca } = stack.listener()
  const sentMs = performance.now()
  const outcome = (response: IncomingMessage | null, body: string): Outcome => ({
    caller,
    sentMs,
    tookMs: performance.now() - sentMs,
    status: response?.statusCode ?? 0,
    retryAfter: response?.headers['retry-after'],
    body,
  })
  return new Promise((resolve) => {
    const sent = request({
      agent,
      host: '127.0.0.1',
      servername: 'localhost',
      port,
      ca,
      path: `/api/2.1/clusters/list?caller=${caller.name}`,
      headers: { host: `localhost:${port}`, authorization: `Bearer ${caller.token}` },
    })
    sent.once('response', async (response) => {
      resolve(outcome(response, (await buffer(response)).toString()))
    })
    sent.once('error', (error) => resolve(outcome(null, error.message)))
    sent.end()
  })
}

/**
 * That no request was wrongly allowed, or wrongly refused: whoever could be judged got the caller's own
 * answer, whoever could not was told to come again, and the workspace saw nobody else's requests.
 */
export async function expectRightVerdicts(
  stack: StackClient,
  outcomes: readonly Outcome[],
): Promise<void> {
  const wrong = outcomes.filter((outcome) => !isVerdict(outcome) && !isComeAgain(outcome))
  expect(wrong).toEqual([])
  const seen = await stack.upstreamRequests()
  const foreign = seen.filter(({ target, headers }) => {
    const identities = headers.filter(([name]) => name.toLowerCase() === 'x-forwarded-user')
    return (
      !target.endsWith('?caller=alice') || String(identities.map(([, user]) => user)) !== 'alice'
    )
  })
  expect(foreign).toEqual([])
  const allowed = outcomes.filter(({ status }) => status === 200)
  expect(seen.length).toBeGreaterThanOrEqual(allowed.length)
}

/** Whether a request was answered as its caller must be. */
export function isVerdict({ caller, status }: Outcome): boolean {
  return status === caller.status
}

function isComeAgain({ status, retryAfter, body }: Outcome): boolean {
  const isNative = body.startsWith('{"error_code":"TEMPORARILY_UNAVAILABLE","message":"')
  return status === 503 && isNative && /^[1-9][0-9]*$/.test(retryAfter ?? '')
}
