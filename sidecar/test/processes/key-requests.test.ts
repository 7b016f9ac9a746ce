import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createKeyRequests } from '../../src/processes/key-requests.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

it.each(['refreshed', 'cooling-down', 'failed'] as const)(
  'gives the answer `%s`',
  async (outcome) => {
    const sent: [number, string][] = []
    const requests = createKeyRequests((id, issuerName) => sent.push([id, issuerName]))
    const asked = requests.requestKeys('okta')
    const [id, issuerName] = sent[0] ?? [-1, '']
    expect(issuerName).toBe('okta')
    requests.answered(id, outcome)
    expect(await asked).toBe(outcome)
    expect(vi.getTimerCount()).toBe(0)
  },
)

it('gives each question its own answer, in whatever order they come', async () => {
  const ids = new Map<string, number>()
  const requests = createKeyRequests((id, issuerName) => ids.set(issuerName, id))
  const asked = Promise.all([
    requests.requestKeys('a'),
    requests.requestKeys('b'),
    requests.requestKeys('c'),
  ])
  expect(new Set(ids.values()).size).toBe(3)
  requests.answered(ids.get('c') ?? -1, 'refreshed')
  requests.answered(ids.get('a') ?? -1, 'failed')
  requests.answered(ids.get('b') ?? -1, 'cooling-down')
  expect(await asked).toEqual(['failed', 'cooling-down', 'refreshed'])
})

it('has failed after 1.5 seconds without an answer, and a late one changes nothing', async () => {
  let sent = 0
  const requests = createKeyRequests((id) => (sent = id))
  let outcome: string | null = null
  void requests.requestKeys('okta').then((settled) => (outcome = settled))
  await vi.advanceTimersByTimeAsync(1499)
  expect(outcome).toBeNull()
  await vi.advanceTimersByTimeAsync(1)
  expect(outcome).toBe('failed')
  requests.answered(sent, 'refreshed')
  await vi.advanceTimersByTimeAsync(5000)
  expect(outcome).toBe('failed')
})

it.each([0, -1, 7, Number.NaN])(
  'ignores an answer to question %d, which nobody asked',
  async (id) => {
    const requests = createKeyRequests(() => undefined)
    const asked = requests.requestKeys('okta')
    requests.answered(id, 'refreshed')
    await vi.advanceTimersByTimeAsync(1500)
    expect(await asked).toBe('failed')
  },
)
