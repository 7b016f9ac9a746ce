import { beforeEach, expect, test } from 'vitest'
import { createHeartbeat, type Heartbeat } from '../../src/near-cache/heartbeat.ts'

const NEVER = Number.POSITIVE_INFINITY

let nowMs: number
let lags: number[]
let writes: { readonly keys: readonly string[]; settle(isWritten: boolean): Promise<void> }[]
let heartbeat: Heartbeat

beforeEach(() => {
  nowMs = 0
  lags = []
  writes = []
  let ids = 0
  heartbeat = createHeartbeat({
    prefixes: ['bg:session:', 'bg:revoked:', 'bg:state'],
    write: (keys) => {
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const settle = async (isWritten: boolean): Promise<void> => {
        resolve(isWritten)
        await new Promise((done) => void setImmediate(done))
      }
      writes.push({ keys, settle })
      return promise
    },
    clock: { monotonicMs: () => nowMs },
    newId: () => `n${++ids}`,
    onLag: (ms) => lags.push(ms),
  })
  heartbeat.start()
})

function hear(keys: readonly string[] = writes.at(-1)?.keys ?? []): void {
  for (const key of keys) heartbeat.heard(key)
}

test('nothing is fresh before the first one came back', () => {
  expect(heartbeat.stalenessMs()).toBe(NEVER)
  nowMs = 70
  expect(heartbeat.ageMs()).toBe(70)
})

test('it is under each prefix, and fresh as of its writing when all came back', () => {
  heartbeat.beat()
  expect(writes[0]?.keys).toEqual([
    'bg:session:worker-n1:heartbeat',
    'bg:revoked:worker-n1:heartbeat',
    'bg:state:worker-n1:heartbeat',
  ])
  nowMs = 30
  hear(['bg:session:worker-n1:heartbeat', 'bg:revoked:worker-n1:heartbeat'])
  expect(heartbeat.stalenessMs()).toBe(NEVER)
  nowMs = 40
  hear(['bg:state:worker-n1:heartbeat'])
  expect(heartbeat.stalenessMs()).toBe(40)
  expect(lags).toEqual([40])
  nowMs = 100
  expect([heartbeat.stalenessMs(), heartbeat.ageMs()]).toEqual([100, 100])
})

test('a heartbeat is awaited before the next is written', async () => {
  heartbeat.beat()
  heartbeat.beat()
  await writes[0]?.settle(true)
  heartbeat.beat()
  expect(writes).toHaveLength(1)
  hear()
  heartbeat.beat()
  expect(writes).toHaveLength(2)
})

test("another process's is no proof, and no key of ours", () => {
  heartbeat.beat()
  expect(heartbeat.heard('bg:session:worker-n9:heartbeat')).toBe(true)
  expect(heartbeat.heard('bg:session:n1')).toBe(false)
  hear(['bg:state:worker-n9:heartbeat'])
  expect(heartbeat.stalenessMs()).toBe(NEVER)
})

test.each([
  'bg:revoked:subject:k8s|system:serviceaccount:monitoring:heartbeat',
  'bg:revoked:subject:okta|worker-n1:heartbeat',
  'bg:revoked:client:okta|:heartbeat',
  'bg:revoked:token:okta|worker-n1:heartbeat',
  'bg:revoked:issuer:heartbeat',
  'bg:session:n1:heartbeat',
])('a key of ours that ends like one is none: %s', (key) => {
  heartbeat.beat()
  expect(heartbeat.heard(key)).toBe(false)
})

test('a heartbeat whose write failed proves nothing later, however late it happens', async () => {
  heartbeat.beat()
  await writes[0]?.settle(false)
  nowMs = 5000
  heartbeat.beat()
  hear(writes[0]?.keys)
  expect(heartbeat.stalenessMs()).toBe(NEVER)
  hear(writes[1]?.keys)
  expect(heartbeat.stalenessMs()).toBe(0)
})

test('a heartbeat that another process writes once more proves nothing later', () => {
  heartbeat.beat()
  hear()
  nowMs = 5000
  heartbeat.beat()
  hear(writes[0]?.keys)
  expect(heartbeat.stalenessMs()).toBe(5000)
})

test('a heartbeat of an earlier connection proves nothing about the next', () => {
  heartbeat.beat()
  heartbeat.stop()
  heartbeat.start()
  nowMs = 5000
  heartbeat.beat()
  hear(writes[0]?.keys)
  expect(heartbeat.stalenessMs()).toBe(NEVER)
})

test('nothing is written while nothing listens, and what was proven grows old', () => {
  heartbeat.beat()
  hear()
  heartbeat.stop()
  nowMs = 300
  heartbeat.beat()
  expect(writes).toHaveLength(1)
  expect(heartbeat.stalenessMs()).toBe(300)
  expect(heartbeat.isOverdue(100)).toBe(false)
})

test('a heartbeat that does not come is overdue', () => {
  heartbeat.beat()
  nowMs = 1000
  expect(heartbeat.isOverdue(1000)).toBe(false)
  nowMs = 1001
  expect(heartbeat.isOverdue(1000)).toBe(true)
  hear()
  expect(heartbeat.isOverdue(1000)).toBe(false)
})
