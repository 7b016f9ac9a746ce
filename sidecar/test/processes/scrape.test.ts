import fc from 'fast-check'
import { Counter, Gauge, Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAggregate, type Snapshot } from '../../src/observe/aggregate.ts'
import type { ToWorker } from '../../src/processes/messages.ts'
import { createScrape, type Scrape } from '../../src/processes/scrape.ts'
import type { WorkerLink, WorkerState } from '../../src/processes/worker-link.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => vi.useRealTimers())

describe('a scrape', () => {
  it('joins what every ready worker answers, and its own', async () => {
    const fixture = createScrapeFixture()
    fixture.add(1).count(3)
    fixture.add(2).count(4)
    expect(await fixture.total()).toBe(7)
    expect(await fixture.gauge()).toBe(2)
    expect(fixture.silent()).toBe(0)
  })

  it('asks no worker that is starting or draining, but keeps what it had counted', async () => {
    const fixture = createScrapeFixture()
    const worker = fixture.add(1)
    worker.count(3)
    await fixture.total()
    worker.state('draining')
    worker.count(1)
    fixture.add(2).state('starting')
    expect(await fixture.total()).toBe(3)
  })

  it('waits half a second for a silent worker, leaves its gauges out and keeps its counts', async () => {
    const fixture = createScrapeFixture()
    fixture.add(1).count(3)
    const stopped = fixture.add(2)
    stopped.count(4)
    await fixture.total()
    stopped.hang()
    const page = fixture.page()
    let isDone = false
    void page.then(() => (isDone = true))
    await vi.advanceTimersByTimeAsync(499)
    expect(isDone).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(sample(await page, 'test_total')).toBe(7)
    expect(sample(await page, 'test_gauge')).toBe(1)
    expect(fixture.silent()).toBe(1)
  })

  it('is over as soon as the last worker answers', async () => {
    const fixture = createScrapeFixture()
    for (const id of [1, 2, 3]) fixture.add(id).count(1)
    expect(await fixture.total()).toBe(3)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('of no worker at all is the primary alone', async () => {
    const fixture = createScrapeFixture()
    expect(await fixture.page()).toContain('test_own 1')
  })

  it('is not confused by answers that are late, doubled, or to another question', async () => {
    const fixture = createScrapeFixture()
    const worker = fixture.add(1)
    worker.count(2)
    await Promise.all([999, null, -1].map(worker.answerTo))
    expect(await fixture.total()).toBe(2)
    await worker.answerTo(1)
    expect(await fixture.total()).toBe(2)
  })
})

describe('totals never fall', () => {
  const action = fc.oneof(
    fc.record({ do: fc.constant('count'), worker: fc.nat(3), by: fc.nat(5) }),
    fc.record({ do: fc.constant('report'), worker: fc.nat(3), by: fc.constant(0) }),
    fc.record({ do: fc.constant('die'), worker: fc.nat(3), by: fc.constant(0) }),
    fc.record({ do: fc.constant('hang'), worker: fc.nat(3), by: fc.constant(0) }),
    fc.record({ do: fc.constant('drain'), worker: fc.nat(3), by: fc.constant(0) }),
    fc.record({ do: fc.constant('scrape'), worker: fc.constant(0), by: fc.nat(2) }),
  )

  it('totals never fall, whatever workers do between scrapes, and however many scrape at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 20, maxLength: 60 }), async (actions) => {
        const fixture = createScrapeFixture()
        const slots = [fixture.add(1), fixture.add(2), fixture.add(3), fixture.add(4)]
        let nextId = 5
        let before = 0
        for (const { do: what, worker, by } of actions) {
          const target = slots[worker]
          if (what === 'count') target?.count(by)
          if (what === 'report') await target?.answerTo(null)
          if (what === 'hang') target?.hang()
          if (what === 'drain') target?.state('draining')
          if (what === 'die') {
            target?.die()
            slots[worker] = fixture.add(nextId++)
          }
          if (what !== 'scrape') continue
          const pages = Promise.all(Array.from({ length: by + 1 }, () => fixture.page()))
          await vi.advanceTimersByTimeAsync(500)
          const totals = (await pages).map((page) => sample(page, 'test_total') ?? 0)
          expect(Math.min(...totals)).toBeGreaterThanOrEqual(before)
          before = Math.max(...totals)
        }
      }),
      { numRuns: 50 },
    )
  })
})

interface FakeWorker {
  count(by: number): void
  state(state: WorkerState): void
  hang(): void
  die(): void
  answerTo(requestId: number | null): Promise<void>
}

/** Workers that are no processes, but count and answer as such. */
function createScrapeFixture(): {
  add(id: number): FakeWorker
  page(): Promise<string>
  total(): Promise<number | undefined>
  gauge(): Promise<number | undefined>
  silent(): number
} {
  const links: WorkerLink[] = []
  const aggregate = createAggregate()
  let silent = 0
  const own = new Registry()
  new Gauge({ name: 'test_own', help: 'The primary.', registers: [own] }).set(1)
  const scrape: Scrape = createScrape({
    pool: { workers: () => links },
    aggregate,
    own: () => own.getMetricsAsJSON(),
    onSilent: () => (silent += 1),
  })
  const page = (): Promise<string> => scrape.page()
  return {
    add: (id) => fakeWorker(id, links, { scrape, ended: aggregate.ended }),
    page,
    total: async () => sample(await page(), 'test_total'),
    gauge: async () => sample(await page(), 'test_gauge'),
    silent: () => silent,
  }
}

function fakeWorker(
  id: number,
  links: WorkerLink[],
  primary: { readonly scrape: Scrape; readonly ended: (id: number) => void },
): FakeWorker {
  let counted = 0
  let isHanging = false
  let isGone = false
  const answerTo = async (requestId: number | null): Promise<void> => {
    const taken = await snapshot(counted)
    if (!isGone) primary.scrape.heard(id, requestId, taken)
  }
  const link: WorkerLink = {
    id,
    role: 'authorizer',
    state: 'ready',
    forkedAtMs: 0,
    lastHeardMs: 0,
    send(message: ToWorker) {
      if (message.type === 'collect' && !isHanging) void answerTo(message.id)
    },
    kill: () => undefined,
  }
  links.push(link)
  return {
    count: (by) => (counted += by),
    state: (state) => (link.state = state),
    hang: () => (isHanging = true),
    die() {
      links.splice(links.indexOf(link), 1)
      isGone = true
      primary.ended(id)
    },
    answerTo: async (requestId) => (isHanging ? undefined : answerTo(requestId)),
  }
}

/** The snapshot of a worker that has counted this much. */
function snapshot(counted: number): Promise<Snapshot> {
  const registry = new Registry()
  const registers = [registry]
  new Counter({ name: 'test_total', help: 'Things.', registers }).inc(counted)
  new Gauge({ name: 'test_gauge', help: 'Alive.', registers }).set(1)
  return registry.getMetricsAsJSON()
}

function sample(page: string, name: string): number | undefined {
  const value = new RegExp(`^${name}(?:\\{\\})? (\\S+)$`, 'm').exec(page)?.[1]
  return value === undefined ? undefined : Number(value)
}
