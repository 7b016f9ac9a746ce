import { expect, vi } from 'vitest'
import type { Answer } from '../harness/answer.ts'
import type { StackClient } from '../harness/client.ts'

/** A path that every credential of these tests may request. */
const CLUSTERS = '/api/2.1/clusters/list'

/**
 * Sends one request.
 *
 * @returns its answer with how long it took
 */
export async function timed(
  stack: StackClient,
  credential: string,
  query = '',
): Promise<{ readonly answer: Answer; readonly tookMs: number }> {
  const startedMs = performance.now()
  const answer = await stack.sendAs(credential, CLUSTERS + query)
  return { answer, tookMs: performance.now() - startedMs }
}

/** That an answer is how Databricks clients are told to come again: never 401, never a page. */
export function expectComeAgain(answer: Answer): void {
  expect(answer.status).toBe(503)
  expect(answer.headers['content-type']).toBe('application/json')
  expect(answer.headers['retry-after']).toMatch(/^[1-9][0-9]*$/)
  expect(answer.headers['www-authenticate']).toBeUndefined()
  expect(JSON.parse(answer.body)).toEqual({
    error_code: 'TEMPORARILY_UNAVAILABLE',
    message: expect.stringMatching(/^[a-z]/),
  })
}

/** Asks until the credential is served, as a client does that is told to come again. */
export function expectServedAgain(stack: StackClient, credential: string): Promise<void> {
  return vi.waitFor(async () => expect((await timed(stack, credential)).answer.status).toBe(200), {
    timeout: 10_000,
    interval: 100,
  })
}
