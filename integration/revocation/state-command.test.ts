import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { brickgate, redisCli } from '../harness/commands.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { operatorActs } from './commanding.ts'

let stack: StackClient
let installed: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  installed = await redisCli(stack.info, 'GET', 'bg:state')
})

afterEach(() => redisCli(stack.info, 'SET', 'bg:state', installed))

afterAll(() => stack.close())

const LOST = '{"id":"x","since":1700000000}'
const STAYS = 'there is a bg:state already; it stays as it is'
const MAY_BE_LOST =
  'revocations and sessions written before 2023-11-14T22:13:20Z may be lost (`state accept` ends that)'
const UNREADABLE = 'bg:state cannot be read: delete it, then accept'

/**
 * The bg:state before, null when missing; the command; its code, output and errors; the `since`
 * after.
 */
const ROWS = [
  [installedState(0), 'show', 0, 'nothing is lost', 0],
  [LOST, 'show', 0, MAY_BE_LOST, 1_700_000_000],
  [null, 'show', 0, 'bg:state is missing: the next request records a loss', null],
  ['garbage', 'show', 0, UNREADABLE, 'garbage'],

  [installedState(0), 'init', 0, `${STAYS}: nothing is lost`, 0],
  [LOST, 'init', 0, `${STAYS}: ${MAY_BE_LOST}`, 1_700_000_000],
  [null, 'init', 0, 'initialised: nothing is lost', 0],
  ['garbage', 'init', 0, `${STAYS}: ${UNREADABLE}`, 'garbage'],

  [installedState(0), 'accept', 0, 'nothing was lost', 0],
  [LOST, 'accept', 0, 'accepted: older tokens work again', 0],
  [null, 'accept', 0, 'accepted: older tokens work again', 0],
  ['garbage', 'accept', 1, UNREADABLE, 'garbage'],
] as const

describe('with bg:state', () => {
  it.each(ROWS)('with bg:state %s, `brickgate state %s` ends with %i: %s', async (...row) => {
    const [state, command, code, text, after] = row
    await redisCli(stack.info, 'DEL', 'bg:state')
    if (state !== null) await redisCli(stack.info, 'SET', 'bg:state', state)

    const result = await brickgate(stack.info, 'state', command)

    const [stdout, stderr] = code === 0 ? [`${text}\n`, ''] : ['', `brickgate: ${text}\n`]
    expect(result).toEqual({ code, stdout, stderr })
    const left = await redisCli(stack.info, 'GET', 'bg:state')
    if (after === null) expect(left).toBe('')
    else if (typeof after === 'string') expect(left).toBe(after)
    else expect(JSON.parse(left)).toMatchObject({ since: after })
  })
})

it('`brickgate state` ends with 69 when Redis is away', async () => {
  const { demo } = stack.info
  const configFile = join(demo.directory, 'redis-away.yaml')
  const config = readFileSync(demo.configFile, 'utf8')
  writeFileSync(configFile, config.replace(`:${demo.ports.redis}`, ':1'), { mode: 0o600 })

  const away = { ...stack.info, demo: { ...demo, configFile } }
  const commands = ['init', 'show', 'accept']
  const results = await Promise.all(commands.map((command) => brickgate(away, 'state', command)))

  for (const { code, stdout, stderr } of results) {
    expect([code, stdout]).toEqual([69, ''])
    expect(stderr).toMatch(/^brickgate: redis: .*ECONNREFUSED.*\n$/)
  }
})

it.each([
  ['show', installedState(0), { state: 'known', id: 'installed', lost_since: 0 }],
  ['show', LOST, { state: 'known', id: 'x', lost_since: 1_700_000_000 }],
  ['show', 'garbage', { state: 'unreadable', id: null, lost_since: null }],
  ['init', LOST, { initialised: false }],
  ['accept', LOST, { accepted: true, dry_run: false }],
])('`brickgate state %s --json` of %s is %j', async (command, state, expected) => {
  await redisCli(stack.info, 'SET', 'bg:state', state)
  const { code, stdout } = await brickgate(stack.info, 'state', command, '--json')
  expect([code, JSON.parse(stdout)]).toEqual([0, expected])
})

it('`brickgate state accept` says in a dry run what it would do, and records what it does', async () => {
  await redisCli(stack.info, 'SET', 'bg:state', LOST)
  const dry = await brickgate(stack.info, 'state', 'accept', '-n')
  const text = 'dry run: would be accepted, and older tokens work again\n'
  expect(dry).toEqual({ code: 0, stdout: text, stderr: '' })
  expect(await redisCli(stack.info, 'GET', 'bg:state')).toBe(LOST)

  const reason = 'revocations set again'
  expect((await brickgate(stack.info, 'state', 'accept', '--reason', reason)).code).toBe(0)
  const [act] = operatorActs(stack.info).slice(-1)
  expect(act).toMatchObject({ action: 'accept-loss', key: 'bg:state', operator_reason: reason })
})

function installedState(since: number): string {
  return JSON.stringify({ id: 'installed', since })
}
