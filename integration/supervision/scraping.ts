import { onTestFinished } from 'vitest'
import type { StackClient } from '../harness/client.ts'

/** Scrapes `/metrics` all the time, as several Prometheus servers would. */
export interface Scraping {
  /** @returns every fall of a total, as text, and the longest scrape */
  stop(): Promise<{ readonly falls: readonly string[]; readonly longestMs: number }>
}

const EVERY_MS = 200

export function startScraping(stack: StackClient): Scraping {
  const falls: string[] = []
  let longestMs = 0
  const over = new AbortController()
  let before: ReadonlyMap<string, number> = new Map()

  async function scrape(): Promise<void> {
    const startedMs = performance.now()
    const totals = totalsOf((await stack.admin('/metrics')).body)
    longestMs = Math.max(longestMs, performance.now() - startedMs)
    for (const [sample, value] of before) {
      const now = totals.get(sample)
      if (now === undefined || now < value) falls.push(`${sample}: ${value} → ${now}`)
    }
    before = totals
  }

  const running = (async () => {
    while (!over.signal.aborted) {
      await scrape()
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
    }
  })()
  const end = (): void => over.abort()
  onTestFinished(end) // also when it fails
  running.catch(end)
  return {
    async stop() {
      end()
      await running
      return { falls, longestMs }
    },
  }
}

/**
 * The samples of a page that only ever grow: counters, and counts, sums and buckets of histograms.
 */
export function totalsOf(page: string): ReadonlyMap<string, number> {
  const growing = new Set<string>()
  const totals = new Map<string, number>()
  for (const line of page.split('\n')) {
    const [, name = '', type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    if (type === 'counter') growing.add(name)
    if (type === 'histogram') for (const end of ENDS) growing.add(name + end)
    const [, sample = '', metric = '', value] = /^((\w+)(?:\{.*\})?) (\S+)$/.exec(line) ?? []
    if (growing.has(metric)) totals.set(sample, Number(value))
  }
  return totals
}

const ENDS = ['_bucket', '_sum', '_count'] as const
