import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { HOME } from '../../launch/gateway.ts'
import { type StackInfo, startStack, stopStack } from './stack.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly stack: StackInfo
  }
}

/**
 * One stack for all test files that leave it as they found it: the demo's configuration, every lighttpd
 * that is at hand, keys that refresh quickly so that tests need not wait.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  execFileSync(join(HOME, 'integration/stack/make-forky.sh'), { stdio: 'inherit' })
  const stack = await startStack({
    everyLighttpd: true,
    config: { jwks: { refresh_s: 2, cooldown_s: 3, max_stale_s: 60 } },
  })
  project.provide('stack', stack)
  return () => stopStack(stack)
}
