import { expect } from 'vitest'
import type { ComposeProject } from './project.ts'

const SERVING_WITHIN_MS = 60_000

/** Waits until every service is healthy and an allowed request is answered. */
export async function untilServing(project: ComposeProject): Promise<void> {
  const wait = { timeout: SERVING_WITHIN_MS, interval: 300 }
  await expect.poll(() => unwell(project), wait).toEqual([])
  const token = project.setting('TOKEN_ALICE')
  await expect.poll(() => statusOf(project, token), wait).toBe(200)
}

/** The status of the answer to a token's request, 0 without an answer. */
export function statusOf(project: ComposeProject, token: string): Promise<number> {
  return project.sendRequest(token).then(
    ({ status }) => status,
    () => 0,
  )
}

/** A line of `docker compose ps`. */
export interface Listed {
  readonly Service: string
  readonly State: string
  readonly Health: string
  readonly Status: string
}

/** The list of `docker compose ps`, with stopped containers. */
export async function listed(project: ComposeProject): Promise<readonly Listed[]> {
  const lines = await project.compose('ps', '--all', '--format', 'json')
  return lines.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Listed]))
}

/** Services that ought to run and do not, or are not healthy. */
async function unwell(project: ComposeProject): Promise<readonly string[]> {
  return (await listed(project))
    .filter(({ Service }) => !Service.endsWith('init'))
    .filter(({ State, Health }) => State !== 'running' || Health !== 'healthy')
    .map(({ Service, Status }) => `${Service}: ${Status}`)
}
