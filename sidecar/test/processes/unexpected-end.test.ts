import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const FIXTURE = join(import.meta.dirname, 'unexpected-end-process-fixture.ts')

function runFixture(kind: string): Promise<{ readonly code: unknown; readonly stdout: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [FIXTURE, kind], (error, stdout) =>
      resolve({ code: error?.code ?? 0, stdout }),
    )
  })
}

it.each([
  ['rejection', 'unhandledRejection'],
  ['exception', 'uncaughtException'],
])('a process that an unhandled %s ends says which in a line of its log', async (kind, origin) => {
  const { code, stdout } = await runFixture(kind)
  expect(code).toBe(1)
  const line = JSON.parse(stdout) as Record<string, unknown>
  expect(line).toMatchObject({
    level: 60,
    part: 'fixture',
    origin,
    err: { type: 'Error', message: 'Command timed out' },
    msg: 'an error that nobody handled ends the process',
  })
  expect(stdout).toContain('unexpected-end-process-fixture.ts') // the stack
  expect(stdout).not.toContain('hunter2')
})
