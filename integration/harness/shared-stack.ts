import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { type StackInfo, startStack } from './stack.ts'

const note = join(inject('sharedStacks'), process.env['VITEST_POOL_ID'] ?? '')

/**
 * The stack for all test files that leave it as they found it. Each process that runs tests has its
 * own, so that two files at the same time do not meet.
 */
export function sharedStack(): StackInfo {
  return JSON.parse(readFileSync(note, 'utf8')) as StackInfo
}

/**
 * Starts it before the first test file of a process: the demo's configuration, every lighttpd that
 * is at hand, keys that refresh quickly so that tests need not wait.
 */
export async function startSharedStack(): Promise<void> {
  if (existsSync(note)) return
  const stack = await startStack({
    everyLighttpd: true,
    config: { jwks: { refresh_s: 2, cooldown_s: 3, max_stale_s: 60 } },
  })
  writeFileSync(note, JSON.stringify(stack))
}
