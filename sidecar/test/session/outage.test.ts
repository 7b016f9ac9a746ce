import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createOutageEdges,
  createOutageLog,
  type OutageEdge,
  outageSeconds,
} from '../../src/session/outage.ts'
import { createIdleRule } from '../../src/session/session-use.ts'
import { SESSION } from '../support/session-fixture.ts'

describe('the seconds of outages between two moments', () => {
  const outages = [
    { fromSeconds: 10, untilSeconds: 20 },
    { fromSeconds: 30, untilSeconds: null },
  ]
  test.each([
    [0, 5, 0],
    [0, 15, 5],
    [0, 25, 10],
    [12, 18, 6],
    [20, 30, 0],
    [0, 40, 20],
    [35, 40, 5],
    [50, 40, 0],
  ])('from %d until %d are %d', (from, until, expected) => {
    expect(outageSeconds(outages, from, until)).toBe(expected)
  })
})

describe('the log of outages', () => {
  test('has one for as long as any process is in it', () => {
    const log = createOutageLog(10)
    log.began('primary', 100)
    log.began('worker 1', 98)
    expect(log.all()).toEqual([{ fromSeconds: 98, untilSeconds: null }])
    log.ended('worker 1', 110)
    expect(log.all()).toEqual([{ fromSeconds: 98, untilSeconds: null }])
    log.ended('primary', 120)
    expect(log.all()).toEqual([{ fromSeconds: 98, untilSeconds: 120 }])
  })

  test('joins one that is reported late with those before it', () => {
    const log = createOutageLog(10)
    for (const [from, until] of [
      [10, 20],
      [30, 40],
      [50, 60],
    ] as const) {
      log.began('primary', from)
      log.ended('primary', until)
    }
    log.began('worker 1', 35)
    log.ended('worker 1', 70)
    expect(log.all()).toEqual([
      { fromSeconds: 10, untilSeconds: 20 },
      { fromSeconds: 30, untilSeconds: 70 },
    ])
  })

  test('knows nothing of a process that was in none', () => {
    const log = createOutageLog(10)
    log.ended('worker 1', 20)
    expect(log.all()).toEqual([])
  })

  test('forgets the oldest beyond its bound', () => {
    const log = createOutageLog(2)
    for (const from of [10, 20, 30]) {
      log.began('primary', from)
      log.ended('primary', from + 1)
    }
    expect(log.all().map(({ fromSeconds }) => fromSeconds)).toEqual([20, 30])
  })

  test('counts no second twice, whatever is reported in whatever order', () => {
    const edge = fc.record({
      source: fc.constantFrom('primary', 'worker 1', 'worker 2'),
      began: fc.boolean(),
      seconds: fc.integer({ min: 0, max: 1000 }),
    })
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 30 }), (edges) => {
        const log = createOutageLog(100)
        for (const { source, began, seconds } of edges) {
          if (began) log.began(source, seconds)
          else log.ended(source, seconds)
        }
        const all = log.all()
        for (const [index, { untilSeconds }] of all.entries()) {
          const next = all[index + 1]
          if (next !== undefined) expect(untilSeconds).toBeLessThan(next.fromSeconds)
        }
        expect(outageSeconds(all, 0, 1000)).toBeLessThanOrEqual(1000)
      }),
    )
  })
})

test('an outage revives no session: one that is idle stays idle', () => {
  const moment = fc.integer({ min: 0, max: 5000 })
  const property = fc.property(
    fc.array(moment, { maxLength: 8 }),
    moment,
    moment,
    (moments, once, later) => {
      const log = createOutageLog(100)
      moments.sort((a, b) => a - b)
      for (const [index, seconds] of moments.entries()) {
        if (index % 2 === 0) log.began('primary', seconds)
        else log.ended('primary', seconds)
      }
      const isIdle = createIdleRule(300, log.all)
      const [earlier, after] = [Math.min(once, later), Math.max(once, later)]
      return !isIdle(SESSION, 0, earlier) || isIdle(SESSION, 0, after)
    },
  )
  expect(fc.check(property).failed).toBe(false)
})

describe('the edges of outages', () => {
  function edgesOf(...looks: readonly (readonly [number, number, boolean])[]): OutageEdge[] {
    const reported: OutageEdge[] = []
    const look = createOutageEdges((edge) => reported.push(edge))
    for (const [asked, known, works] of looks) look(asked, known, works)
    return reported
  }

  test('are when Redis last worked, and when it is known to work again', () => {
    const reported = edgesOf([1, 1, true], [2, 2, true], [3, 4, false], [5, 6, false], [7, 8, true])
    expect(reported).toEqual([
      { kind: 'began', sinceSeconds: 2 },
      { kind: 'ended', atSeconds: 8 },
    ])
  })

  test('begin with the first look of a process that never saw Redis work', () => {
    expect(edgesOf([3, 4, false])).toEqual([{ kind: 'began', sinceSeconds: 3 }])
  })

  test('are none while Redis works', () => {
    expect(edgesOf([1, 1, true], [2, 2, true])).toEqual([])
  })
})
