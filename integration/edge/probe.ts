import type { RecordedRequest } from '../../demo/databricks/request-log.ts'
import { type Answer, openRaw } from '../harness/answer.ts'
import { type AuditLine, auditLines, type StackClient } from '../harness/client.ts'
import type { Edge } from '../harness/stack.ts'
import { requestIdOf, valuesOf } from '../harness/upstream.ts'
import { type AccessLine, accessLinesOf } from './access-log.ts'
import { createRawClient, type RawClient } from './raw-client.ts'
import { requestText } from './requests.ts'

/** A target that was sent, and everything that is known of what became of it. */
export interface Probe {
  readonly sent: string
  readonly answer: Answer
  /** the request's line in the access log */
  readonly access: AccessLine
  /** the target that the workspace got, null for none */
  readonly forwarded: RecordedRequest | null
  /** the decision of the sidecar, null without one */
  readonly audit: AuditLine | null
}

const AT_ONCE = 8

/**
 * Sends a GET of each target with a token, over connections that last as long as the gateway keeps
 * them.
 */
export async function probe(
  stack: StackClient,
  { edge, token }: { edge: Edge; token: string },
  targets: readonly string[],
): Promise<readonly Probe[]> {
  await stack.forgetUpstreamRequests()
  const answers: Answer[] = []
  const left = [...targets.entries()]
  const run = async (client: RawClient): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [place, target] = next
      const fields = [`Authorization: Bearer ${token}`, `X-Probe: ${place}`]
      answers[place] = await client.sendRequest(requestText(target, fields))
    }
    client.close()
  }
  const listener = stack.listener('internal', edge)
  await Promise.all(
    Array.from({ length: AT_ONCE }, () => run(createRawClient(() => openRaw(listener)))),
  )
  return collect(stack, edge, { targets, answers })
}

async function collect(
  stack: StackClient,
  edge: Edge,
  { targets, answers }: { targets: readonly string[]; answers: readonly Answer[] },
): Promise<readonly Probe[]> {
  const requests = await stack.upstreamRequests()
  const forwarded = new Map(
    requests.map((request) => [valuesOf(request, 'x-probe').join(), request]),
  )
  if (forwarded.size !== requests.length) throw new Error('a request reached the workspace twice')
  // An answer of the workspace has an id of its own.
  const ids = answers.map((answer, place) => {
    const request = forwarded.get(String(place))
    return request === undefined ? String(answer.headers['x-request-id']) : requestIdOf(request)
  })
  const access = await accessLinesOf(stack.info, edge, ids)
  const decisions = new Map(auditLines(stack.info).map((line) => [line.request_id, line]))
  return answers.map((answer, place) => ({
    sent: targets[place] ?? '',
    answer,
    access: access.get(ids[place] ?? '') ?? {},
    forwarded: forwarded.get(String(place)) ?? null,
    audit: decisions.get(ids[place] ?? '') ?? null,
  }))
}
