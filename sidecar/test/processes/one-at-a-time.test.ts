import { describe, expect, it } from 'vitest'
import { oneAtATime } from '../../src/processes/one-at-a-time.ts'

describe('a task that runs one at a time', () => {
  it('does not start again before it has ended, and then sees what came last', async () => {
    let value = 'first'
    const seen: string[] = []
    const ends: (() => void)[] = []
    const run = oneAtATime(async () => {
      const found = value
      await new Promise<void>((resolve) => ends.push(resolve))
      seen.push(found)
    })

    const done = run()
    value = 'second'
    void run()
    value = 'third'
    void run()
    expect(ends).toHaveLength(1)
    ends[0]?.()
    await expect.poll(() => ends.length).toBe(2)
    ends[1]?.()
    await done

    expect(seen).toEqual(['first', 'third'])
  })

  it('runs again when asked after it has ended', async () => {
    let runs = 0
    const run = oneAtATime(async () => void runs++)
    await run()
    await run()
    expect(runs).toBe(2)
  })
})
