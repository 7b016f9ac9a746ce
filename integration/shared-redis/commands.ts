import type { Redis } from 'ioredis'

/** Counts by name of command how often each was executed, by `INFO commandstats`. */
export async function commandCounts(redis: Redis): Promise<ReadonlyMap<string, number>> {
  const lines = (await redis.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)
  return new Map(Array.from(lines, ([, name = '', calls]) => [name, Number(calls)]))
}

/** Counts of the commands that were executed since. */
export function executedSince(
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const grown = [...now].map(([name, calls]) => [name, calls - (before.get(name) ?? 0)] as const)
  return new Map(grown.filter(([, calls]) => calls > 0))
}

/** @returns the key of each SET that Redis was given while `work` went on */
export async function writesDuring(
  redis: Redis,
  work: () => Promise<unknown>,
): Promise<readonly string[]> {
  const monitor = await redis.duplicate().monitor()
  const keys: string[] = []
  monitor.on('monitor', (_time: string, [name = '', key = '']: string[]) => {
    if (name.toLowerCase() === 'set') keys.push(key)
  })
  await work()
  monitor.disconnect()
  return keys
}
