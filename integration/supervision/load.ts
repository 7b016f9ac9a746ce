import { expect, onTestFinished } from 'vitest'
import type { StackClient } from '../harness/client.ts'
import { keepConnections, type Reply } from '../harness/kept-connections.ts'
import { startPaced } from '../harness/pace.ts'

/** A caller of the load, and how the gateway must answer it whenever it can tell. */
export interface Caller {
  readonly name: string
  readonly token: string
  readonly status: 200 | 401 | 403
}

export interface Outcome extends Reply {
  readonly caller: Caller
}

/** A gateway under load, of processes or of containers. */
export type Loaded = Pick<StackClient, 'listener' | 'mint' | 'upstreamRequests'>

export interface Load {
  /** sends no more, and waits for the answers */
  stop(): Promise<readonly Outcome[]>
}

const PER_SECOND = 100
const AT_ONCE = 32

/** Three callers: one is allowed, one may not do this, one has no valid token. */
export async function callers(
  stack: Pick<Loaded, 'mint'>,
): Promise<readonly [Caller, ...Caller[]]> {
  const exp = Math.floor(Date.now() / 1000) - 60
  return [
    { name: 'alice', token: await stack.mint({ sub: 'alice', groups: ['analysts'] }), status: 200 },
    { name: 'mallory', token: await stack.mint({ sub: 'mallory', groups: [] }), status: 403 },
    { name: 'eve', token: await stack.mint({ sub: 'eve', iat: exp - 60, exp }), status: 401 },
  ]
}

/** Sends 100 requests a second, the callers taking turns, until it is stopped. */
export function startLoad(stack: Loaded, callers: readonly [Caller, ...Caller[]]): Load {
  const connections = keepConnections(stack.listener(), AT_ONCE)
  const load = startPaced(PER_SECOND, async (count): Promise<Outcome> => {
    const caller = callers[count % callers.length] ?? callers[0]
    const path = `/api/2.1/clusters/list?caller=${caller.name}`
    return { caller, ...(await connections.get(path, caller.token)) }
  })
  onTestFinished(() => void load.stop()) // also when it fails
  return {
    async stop() {
      const outcomes = await load.stop()
      await connections.close()
      return outcomes
    },
  }
}

/**
 * That no request was wrongly allowed, or wrongly refused: whoever could be judged got the caller's
 * own answer, whoever could not was told to come again, and the workspace saw nobody else's
 * requests.
 */
export async function expectRightVerdicts(
  stack: Loaded,
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
