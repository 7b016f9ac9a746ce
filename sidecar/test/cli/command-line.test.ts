import { describe, expect, test } from 'vitest'
import { readCommandLine } from '../../src/cli/command-line.ts'

const NAMES = ['serve', 'sessions list', 'revoke all', 'revoke subject', 'help']
const read = (...args: string[]) => readCommandLine(args, NAMES)

test('a command has a name of one or two words, operands and options in any order', () => {
  expect(read('--json', 'revoke', '-n', 'subject', 'okta|x', '--reason', 'gone')).toMatchObject({
    name: 'revoke subject',
    operands: ['okta|x'],
    options: { json: true, dryRun: true, reason: 'gone', undo: false, at: undefined },
    given: ['json', 'dry-run', 'reason'],
  })
  expect(read('serve')).toMatchObject({ name: 'serve', operands: [], given: [] })
  expect(read('serve', 'more')).toMatchObject({ name: 'serve', operands: ['more'] })
})

test('--help is help, whatever else was typed', () => {
  expect(read('revoke', 'all', '--help', '--yes')).toMatchObject({ name: 'help', operands: [] })
  expect(read('-h')).toMatchObject({ name: 'help' })
})

describe('there is no command in', () => {
  test.each([
    [[]],
    [['revoke']],
    [['sessions', 'x']],
    [['constructor']],
    [['revoke', 'all', '--why']],
    [['revoke', 'all', '--at']],
    [['revoke', 'all', '--at', '-30m']],
    [['revoke', 'all', '--yes=1']],
    [['__proto__', 'x']],
  ])('%j', (args) => {
    expect(read(...args)).toBeNull()
  })

  test('but a value may begin with a hyphen after =', () => {
    expect(read('revoke', 'all', '--at=-30m')?.options.at).toBe('-30m')
  })
})
