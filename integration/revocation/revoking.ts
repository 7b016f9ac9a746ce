import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Answer } from '../harness/answer.ts'
import type { StackClient } from '../harness/client.ts'

/** A request that every credential of these tests may make. */
export const CLUSTERS = '/api/2.1/clusters/list'

/** The `Authorization` of a client. */
export interface Bearer {
  readonly credential: string
}

/**
 * Sends requests 50 ms from now, when Redis has just replied to a change: enough at once for each
 * worker of the sidecar to get some.
 */
export async function answersSoon(stack: StackClient, bearer: Bearer): Promise<readonly Answer[]> {
  await pause(50)
  await stack.forgetUpstreamRequests()
  return Promise.all(Array.from({ length: 6 }, () => stack.sendAs(bearer.credential, CLUSTERS)))
}

export async function expectAllowed(stack: StackClient, bearer: Bearer): Promise<void> {
  const answers = await answersSoon(stack, bearer)
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200))
  expect(await stack.upstreamRequests()).toHaveLength(answers.length)
}

/** @param reason the reason in each answer's audit line */
export async function expectRefused(
  stack: StackClient,
  bearer: Bearer,
  reason: string,
): Promise<void> {
  const answers = await answersSoon(stack, bearer)
  for (const answer of answers) {
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="brickgate", error="inv/)
    expect(JSON.parse(answer.body)).toMatchObject({ error_code: 'UNAUTHENTICATED' })
    const audit = await stack.auditOf(String(answer.headers['x-request-id']))
    expect(audit.reason).toBe(reason)
  }
  expect(await stack.upstreamRequests()).toEqual([])
}

/** Removes what a test wrote under `bg:revoked:`. */
export async function unrevokeAll({ redis }: StackClient): Promise<void> {
  const keys = await redis.keys('bg:revoked:*')
  if (keys.length > 0) await redis.del(...keys)
}

export function epochSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
