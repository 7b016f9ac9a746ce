import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const HOME = join(import.meta.dirname, '..')
const FLAKY = `
let tries = 0
describe('a clock', () => {
  test('is late once', () => expect(++tries).toBe(2))
  test('is right', () => expect(1).toBe(1))
  test('is always wrong', () => expect(1).toBe(2))
})
`

it('a run ends with the number and the names of the tests that passed only on a retry', () => {
  const root = mkdtempSync(join(tmpdir(), 'brickgate-retried-'))
  try {
    writeFileSync(join(root, 'clock.test.js'), FLAKY)
    const { stdout } = spawnSync(
      process.execPath,
      [
        join(HOME, 'node_modules/vitest/vitest.mjs'),
        ...['run', '--root', root, '--globals', '--retry=2', '--no-cache'],
        `--reporter=${join(HOME, 'tools/retried-tests.ts')}`,
      ],
      { encoding: 'utf8' },
    )
    expect(stdout).toBe(
      'tests that passed only on a retry: 1\n  clock.test.js: a clock > is late once\n',
    )
  } finally {
    rmSync(root, { recursive: true })
  }
})
