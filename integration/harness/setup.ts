import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { HOME } from '../../launch/gateway.ts'
import { type StackInfo, stopStack } from './stack.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** where each process that runs tests notes its stack (shared-stack.ts) */
    readonly sharedStacks: string
  }
}

/** Has the second lighttpd ready before the first test; ends the stacks that test files shared. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  execFileSync(join(HOME, 'integration/harness/make-forky.sh'), { stdio: 'inherit' })
  const folder = mkdtempSync(join(tmpdir(), 'brickgate-stacks-'))
  project.provide('sharedStacks', folder)
  return async () => {
    const stacks = readdirSync(folder).map(
      (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as StackInfo,
    )
    await Promise.all(stacks.map((stack) => stopStack(stack)))
    rmSync(folder, { recursive: true })
  }
}
