import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sidecarLog } from '../harness/processes.ts'
import { auditedRefusal, ensureServes, forbidden } from '../harness/refusals.ts'
import { type Document, edit, reloads, reloadWith, type WatchedFile } from '../harness/reload.ts'
import { startStack, stopStack } from '../harness/stack.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const ME = '/api/2.0/preview/scim/v2/Me'
/** of an edit, on a machine that has much else to do */
const WITHIN_MS = 15_000

let stack: StackClient
let token: string
let stopping: AbortController

beforeAll(async () => {
  stack = stackClient(await startStack({ policy: policy(permit('clusters', CLUSTERS)) }))
  token = await stack.mint({ sub: 'alice', groups: ['analysts'] })
})

beforeEach(() => {
  stopping = new AbortController()
  return stack.forgetUpstreamRequests()
})

afterEach(() => stopping.abort())

afterAll(async () => {
  stack.close()
  await stopStack(stack.info)
})

describe('an edited policy.yaml', () => {
  it('an edited policy.yaml takes effect within seconds, and no request fails meanwhile', async () => {
    // a first request may find Redis slow on a machine that has just started everything
    await expect
      .poll(async () => (await stack.sendAs(token, ME)).status, { timeout: WITHIN_MS })
      .toBe(403)
    const traffic = keepSending()

    const both = policy(permit('clusters', CLUSTERS), permit('me', ME))
    const reloaded = reloadWith(stack, 'policy.yaml', () => both)
    await expect
      .poll(async () => (await stack.sendAs(token, ME)).status, { timeout: WITHIN_MS })
      .toBe(200)
    await reloaded

    const statuses = await traffic.stop()
    expect(statuses.length).toBeGreaterThan(20)
    expect(statuses).toEqual(statuses.map(() => 200))
    expect(await reloads(stack, 'ok')).toBe(1)
  })

  it('an edited policy.yaml takes away what it permitted, at every worker', async () => {
    const forbid = { id: 'stop', effect: 'forbid', who: { any_verified: true }, paths: [CLUSTERS] }
    await reloadWith(stack, 'policy.yaml', () => policy(permit('clusters', CLUSTERS), forbid))

    const answers = await Promise.all(
      Array.from({ length: 12 }, () => stack.sendAs(token, CLUSTERS)),
    )
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403))
    const refusal = forbidden('policy-forbid', 'insufficient_scope')
    expect(
      await auditedRefusal(stack, answers[0] ?? (await stack.sendAs(token, CLUSTERS))),
    ).toEqual(refusal)

    await reloadWith(stack, 'policy.yaml', () => policy(permit('clusters', CLUSTERS)))
    await ensureServes(stack, token)
  })
})

describe('a broken file leaves the old configuration in force, and is counted:', () => {
  it.each<[string, WatchedFile, (document: Document) => Document]>([
    [
      'a policy with a key that is not known',
      'policy.yaml',
      (document) => ({ ...document, allow: [] }),
    ],
    ['a policy without policies', 'policy.yaml', () => policy()],
    [
      'a configuration with a key that is not known',
      'brickgate.yaml',
      (document) => ({ ...document, polices: {} }),
    ],
    [
      'a configuration without issuers',
      'brickgate.yaml',
      (document) => ({ ...document, issuers: [] }),
    ],
  ])(
    'a broken file leaves the old configuration in force, and is counted: %s',
    async (_, file, spoil) => {
      const errors = await reloads(stack, 'error')
      const taken = await reloads(stack, 'ok')
      let before: Document = {}
      edit(stack, file, (document) => spoil((before = document)))

      await expect.poll(() => reloads(stack, 'error'), { timeout: WITHIN_MS }).toBe(errors + 1)
      expect((await stack.sendAs(token, CLUSTERS)).status).toBe(200)
      expect((await stack.sendAs(token, ME)).status).toBe(403)
      const rejection = sidecarLog(stack.info).findLast(({ msg }) => msg.includes('was rejected'))
      expect(rejection).toMatchObject({ level: 50, err: { type: 'ConfigError' } })

      edit(stack, file, () => before)
      await expect.poll(() => reloads(stack, 'ok'), { timeout: WITHIN_MS }).toBe(taken + 1)
      await ensureServes(stack, token)
    },
  )
})

function policy(...policies: readonly object[]): Document {
  return { version: 1, policies }
}

function permit(id: string, path: string): object {
  return { id, effect: 'permit', who: { groups: ['analysts'] }, paths: [path] }
}

/** Sends permitted requests one after another, until the end of the test at the latest. */
function keepSending(): { stop(): Promise<readonly number[]> } {
  const { signal } = stopping
  const sending = (async () => {
    const statuses: number[] = []
    while (!signal.aborted) {
      statuses.push((await stack.sendAs(token, CLUSTERS)).status)
      await pause(5)
    }
    return statuses
  })()
  return {
    stop() {
      stopping.abort()
      return sending
    },
  }
}
