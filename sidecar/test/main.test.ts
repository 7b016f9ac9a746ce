import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const MAIN = join(import.meta.dirname, '../src/main.ts')

it.each([
  ['an argument', ['--inspect=127.0.0.1:0'], ''],
  ['NODE_OPTIONS', [], '--inspect=127.0.0.1:0'],
])('brickgate ends with a sentence where %s opens the debugger of Node', (_, args, options) => {
  const { status, stdout, stderr } = run(args, options)
  expect(stderr).toContain('brickgate: Node has a debugger open; start without --inspect\n')
  expect([status, stdout]).toEqual([78, ''])
})

it('brickgate runs under other NODE_OPTIONS', () => {
  const { status, stderr } = run([], '--max-old-space-size=256')
  expect([status, stderr]).toEqual([0, ''])
})

function run(args: readonly string[], options: string): ReturnType<typeof spawn> {
  return spawn([...args, MAIN, 'version'], { ...process.env, NODE_OPTIONS: options })
}

function spawn(args: readonly string[], env: NodeJS.ProcessEnv) {
  return spawnSync(process.execPath, args, { encoding: 'utf8', env, timeout: 10_000 })
}
