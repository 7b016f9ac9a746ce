import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

const COMMAND = join(import.meta.dirname, '../../../bin/brickgate')

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brickgate-node-'))
  mkdirSync(join(folder, 'bin'))
  copyFileSync(COMMAND, join(folder, 'bin/brickgate'))
})

afterEach(() => rmSync(folder, { recursive: true }))

it.each(['v18.19.0', 'v20.1.0', 'v22.18.0', 'v23.11.1', 'v4.2.6', 'v9.0.0'])(
  'Node %s gets a sentence in place of an error of its own',
  (version) => {
    const { status, stderr } = brickgate(version)
    expect(stderr).toBe(`brickgate: Node 24 or newer is needed, and \`node\` is ${version}\n`)
    expect(status).toBe(78)
  },
)

it.each(['v24.0.0', 'v24.21.0', 'v25.1.0', 'v30.0.0'])('Node %s is used', (version) => {
  const { status, stdout } = brickgate(version)
  expect([status, stdout]).toEqual([0, `ran ${join(folder, 'sidecar/src/main.ts')} version\n`])
})

/** `brickgate version` where `node` says this version, and else prints its two last arguments. */
function brickgate(version: string) {
  const node = join(folder, 'node')
  const script = `#!/bin/sh\n[ "$1" = --version ] && echo ${version} && exit\nwhile [ $# -gt 2 ]; do shift; done\necho "ran $*"\n`
  writeFileSync(node, script)
  chmodSync(node, 0o755)
  const env = { PATH: `${folder}:/usr/bin:/bin` }
  return spawnSync(join(folder, 'bin/brickgate'), ['version'], { encoding: 'utf8', env })
}
