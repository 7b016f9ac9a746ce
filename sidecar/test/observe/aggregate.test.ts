import fc from 'fast-check'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { createAggregate, type Snapshot } from '../../src/observe/aggregate.ts'

const NOBODY: ReadonlySet<number> = new Set()

describe('the page of several processes', () => {
  it('adds up counters label by label', async () => {
    const aggregate = createAggregate()
    aggregate.heard(1, await snapshot({ counts: { a: 1, b: 2 } }))
    aggregate.heard(2, await snapshot({ counts: { a: 10 } }))
    const page = await aggregate.render(NOBODY)
    expect(page).toContain('test_total{kind="a"} 11\n')
    expect(page).toContain('test_total{kind="b"} 2\n')
  })

  it('adds up histograms bucket by bucket', async () => {
    const aggregate = createAggregate()
    aggregate.heard(1, await snapshot({ seconds: [0.05, 3] }))
    aggregate.heard(2, await snapshot({ seconds: [0.5] }))
    const page = await aggregate.render(NOBODY)
    expect(page).toContain('test_seconds_bucket{le="0.1"} 1\n')
    expect(page).toContain('test_seconds_bucket{le="1"} 2\n')
    expect(page).toContain('test_seconds_bucket{le="+Inf"} 3\n')
    expect(page).toContain('test_seconds_sum 3.55\n')
    expect(page).toContain('test_seconds_count 3\n')
  })

  it('joins each gauge as it declares', async () => {
    const aggregate = createAggregate()
    aggregate.heard(1, await snapshot({ up: 1, age: 2 }))
    aggregate.heard(2, await snapshot({ up: 0, age: 7 }))
    const page = await aggregate.render(NOBODY)
    expect(page).toContain('test_up 0\n')
    expect(page).toContain('test_age 7\n')
  })

  it('takes the newest of each process', async () => {
    const aggregate = createAggregate()
    aggregate.heard(1, await snapshot({ counts: { a: 1 } }))
    aggregate.heard(1, await snapshot({ counts: { a: 5 } }))
    expect(await aggregate.render(NOBODY)).toContain('test_total{kind="a"} 5\n')
  })

  it('leaves out the gauges of a silent process, and only these', async () => {
    const aggregate = createAggregate()
    aggregate.heard(1, await snapshot({ counts: { a: 1 }, up: 1, age: 1 }))
    aggregate.heard(2, await snapshot({ counts: { a: 2 }, up: 0, age: 9 }))
    const page = await aggregate.render(new Set([2]))
    expect(page).toContain('test_total{kind="a"} 3\n')
    expect(page).toContain('test_up 1\n')
    expect(page).toContain('test_age 1\n')
  })

  it('of nobody is empty', async () => {
    expect((await createAggregate().render(NOBODY)).trim()).toBe('')
  })
})

describe('a process that ended', () => {
  it('leaves its counts behind, and not its gauges', async () => {
    const aggregate = createAggregate()
    aggregate.heard(1, await snapshot({ counts: { a: 1 }, seconds: [0.5], up: 0, age: 9 }))
    aggregate.heard(2, await snapshot({ counts: { a: 2 }, up: 1, age: 1 }))
    aggregate.ended(1)
    const page = await aggregate.render(NOBODY)
    expect(page).toContain('test_total{kind="a"} 3\n')
    expect(page).toContain('test_seconds_count 1\n')
    expect(page).toContain('test_up 1\n')
    expect(page).toContain('test_age 1\n')
  })

  it('that was never heard leaves nothing', async () => {
    const aggregate = createAggregate()
    aggregate.ended(7)
    expect((await aggregate.render(NOBODY)).trim()).toBe('')
  })

  it('among many that ended still counts, once', async () => {
    const aggregate = createAggregate()
    for (let id = 1; id <= 50; id++) {
      aggregate.heard(id, await snapshot({ counts: { a: 1, [`b${id}`]: 1 }, seconds: [0.5] }))
      aggregate.ended(id)
      if (id % 7 === 0) await aggregate.render(NOBODY)
    }
    const page = await aggregate.render(NOBODY)
    expect(page).toContain('test_total{kind="a"} 50\n')
    expect(page).toContain('test_total{kind="b1"} 1\n')
    expect(page).toContain('test_seconds_bucket{le="1"} 50\n')
    expect(page.match(/# TYPE test_seconds histogram\n/g)).toHaveLength(1)
  })

  it('counts in pages rendered at the same time as it ends', async () => {
    const runs = fc.array(fc.nat(4), { minLength: 5, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(runs, async (steps) => {
        const aggregate = createAggregate()
        const one = await snapshot({ counts: { a: 1 } })
        const pages: Promise<[number, string]>[] = []
        let ended = 0
        for (const ticks of steps) {
          ended += 1
          aggregate.heard(ended, one)
          aggregate.ended(ended)
          const least = ended
          pages.push(aggregate.render(NOBODY).then((page) => [least, page]))
          for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
        }
        for (const [least, page] of await Promise.all(pages)) {
          const total = Number(/^test_total\{kind="a"\} (\d+)$/m.exec(page)?.[1])
          expect(total).toBeGreaterThanOrEqual(least)
          expect(total).toBeLessThanOrEqual(ended)
        }
        expect(await aggregate.render(NOBODY)).toContain(`test_total{kind="a"} ${ended}\n`)
      }),
    )
  })
})

interface Counted {
  readonly counts?: Readonly<Record<string, number>>
  readonly seconds?: readonly number[]
  readonly up?: number
  readonly age?: number
}

/** The snapshot of a process with these counts. */
function snapshot({ counts = {}, seconds = [], up = 1, age = 0 }: Counted): Promise<Snapshot> {
  const registry = new Registry()
  const registers = [registry]
  const total = new Counter({
    name: 'test_total',
    help: 'Things.',
    labelNames: ['kind'],
    registers,
  })
  for (const [kind, count] of Object.entries(counts)) total.inc({ kind }, count)
  const buckets = [0.1, 1]
  const histogram = new Histogram({ name: 'test_seconds', help: 'Time.', buckets, registers })
  for (const value of seconds) histogram.observe(value)
  const gauge = { help: 'State.', registers }
  new Gauge({ ...gauge, name: 'test_up', aggregator: 'min' }).set(up)
  new Gauge({ ...gauge, name: 'test_age', aggregator: 'max' }).set(age)
  return registry.getMetricsAsJSON()
}
