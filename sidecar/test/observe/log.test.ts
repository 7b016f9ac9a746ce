import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createLog } from '../../src/observe/log.ts'

describe('an error in the log', () => {
  it('is its type, message and stack, and those of its cause', () => {
    const error = new TypeError('broken', { cause: new RangeError('too far') })
    expect(logged(error)).toEqual({
      type: 'TypeError',
      message: 'broken',
      stack: expect.stringContaining('log.test.ts'),
      cause: {
        type: 'RangeError',
        message: 'too far',
        stack: expect.stringContaining('log.test.ts'),
      },
    })
  })

  it('is nothing of what a library attached to it or to its cause', () => {
    const cause = Object.assign(new Error('reply'), { command: { args: ['a-secret'] } })
    const error = Object.assign(new Error('failed', { cause }), {
      config: { headers: { authorization: 'a-secret' } },
      toJSON: () => ({ token: 'a-secret' }),
    })
    expect(JSON.stringify(logged(error))).not.toContain('a-secret')
  })

  it.each([['a-secret'], [{ token: 'a-secret' }], [null], [undefined], [7]])(
    'that is none, such as %j, is only its type',
    (thrown) => {
      const text = JSON.stringify(logged(thrown) ?? null)
      expect(text).not.toContain('a-secret')
    },
  )
})

it('each line says which part of the sidecar speaks, and when', () => {
  const lines: string[] = []
  createLog('authorizer-2', { write: (line) => void lines.push(line) }).info({ a: 1 }, 'text\nmore')
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    level: 30,
    time: expect.stringMatching(/^20\d\d-.*Z$/),
    part: 'authorizer-2',
    pid: process.pid,
    a: 1,
    msg: 'text\nmore',
  })
})

it('on a full disk neither ends the process, nor keeps it from ending', () => {
  const full = openSync('/dev/full', 'w')
  const module = join(import.meta.dirname, '../../src/observe/log.ts')
  const program = `
    import { createLog } from ${JSON.stringify(module)}
    const log = createLog('test')
    log.info('one')
    setTimeout(() => log.info('two'), 20)
    setTimeout(() => process.exit(3), 100)`
  const args = ['--input-type=module', '-e', program]
  const result = spawnSync(process.execPath, args, {
    stdio: ['ignore', full, 'pipe'],
    timeout: 10_000,
  })
  closeSync(full)
  expect([result.status, result.signal, String(result.stderr)]).toEqual([3, null, ''])
})

function logged(error: unknown): unknown {
  let line = '{}'
  createLog('test', { write: (text) => void (line = text) }).error({ err: error }, 'it happened')
  return JSON.parse(line).err
}
