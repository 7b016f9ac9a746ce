import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { type StackClient, stackClient } from '../harness/client.ts'
import { brickgate, type CommandResult } from '../harness/commands.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { operatorActs } from './commanding.ts'
import { epochSeconds, expectAllowed, expectRefused, unrevokeAll } from './revoking.ts'

const LIFETIME = 108_000 + 5 + 60 // max_token_lifetime_s, clock_skew_s, leeway_s

let stack: StackClient

beforeAll(() => {
  stack = stackClient(sharedStack())
})

afterEach(() => unrevokeAll(stack))

afterAll(() => stack.close())

const revoke = (...args: string[]): Promise<CommandResult> =>
  brickgate(stack.info, 'revoke', ...args)

describe('`brickgate revoke` refuses a token as redis-cli would, and --undo ends that', () => {
  it.each([
    ['token', ['token', 'demo|jti-<id>'], 'bg:revoked:token:demo|jti-<id>'],
    ['subject', ['subject', 'demo|sub-<id>'], 'bg:revoked:subject:demo|sub-<id>'],
    ['client', ['client', 'demo|client-<id>'], 'bg:revoked:client:demo|client-<id>'],
    ['idp-session', ['idp-session', 'demo|sid-<id>'], 'bg:revoked:idp-session:demo|sid-<id>'],
    ['issuer', ['issuer', 'demo'], 'bg:revoked:issuer:demo'],
    ['all', ['all', '--yes'], 'bg:revoked:all'],
  ])(
    '`brickgate revoke` refuses a token as redis-cli would, and --undo ends that: %s',
    async (_, template, keyTemplate) => {
      const { id, bearer } = await freshToken()
      const args = template.map((word) => word.replace('<id>', id))
      const key = keyTemplate.replace('<id>', id)
      const before = epochSeconds()

      const { code, stdout, stderr } = await revoke(...args, '--reason', 'laptop stolen')
      expect([code, stderr]).toEqual([0, ''])
      expect(stdout.startsWith(`${key} is set to `)).toBe(true)
      const value = Number(await stack.redis.get(key))
      expect(value).toBeGreaterThanOrEqual(before)
      expect(value).toBeLessThanOrEqual(epochSeconds() + 1)
      expect(await stack.redis.ttl(key)).toBeGreaterThan(LIFETIME - 30)
      await expectRefused(stack, bearer, 'token-revoked')

      expect(operatorActs(stack.info).at(-1)).toMatchObject({
        event: 'revocation',
        action: 'revoke',
        target: args[0],
        key,
        value: String(value),
        outcome: 'created',
        operator: userInfo().username,
        host: hostname(),
        operator_reason: 'laptop stolen',
      })
      const undone = await revoke(...args, '--undo')
      expect(undone).toEqual({ code: 0, stdout: `${key} is deleted\n`, stderr: '' })
      expect(operatorActs(stack.info).at(-1)).toMatchObject({ action: 'undo', key, value: null })
      await expectAllowed(stack, bearer)
    },
  )
})

describe('a moment', () => {
  it.each([
    ['to come blocks who signs in later, too, and outlives it', ['--until', '+2h'], 7200],
    ['may be a duration', ['--for', '2h'], 7200],
    ['may be past', ['--at=-1h'], -3600],
  ])('a revocation’s moment %s', async (_, options, offset) => {
    const { id, bearer } = await freshToken()
    const key = `bg:revoked:subject:demo|sub-${id}`
    const now = epochSeconds()

    const { code, stdout } = await revoke('subject', `demo|sub-${id}`, ...options, '--json')

    expect(code).toBe(0)
    const report = JSON.parse(stdout) as { value: string; expires_at: number }
    expect(report).toMatchObject({ key, outcome: 'created', dry_run: false })
    expect(Math.abs(Number(report.value) - (now + offset))).toBeLessThan(30)
    expect(await stack.redis.get(key)).toBe(report.value)
    expect(await stack.redis.expiretime(key)).toBe(report.expires_at)
    expect(report.expires_at - Math.max(now, Number(report.value))).toBeGreaterThanOrEqual(LIFETIME)
    if (offset > 0) await expectRefused(stack, bearer, 'token-revoked')
    else await expectAllowed(stack, bearer)
  })

  it('a revocation’s moment is never lowered, unless forced, and never ends sooner', async () => {
    const key = 'bg:revoked:subject:demo|nobody'
    await stack.redis.set(key, '900000000000')
    const kept = await revoke('subject', 'demo|nobody')
    expect(kept.code).toBe(0)
    expect(kept.stdout).toMatch(/ is kept: it refuses as much already, 900000000000 /)
    expect(await stack.redis.get(key)).toBe('900000000000')
    expect(await stack.redis.ttl(key)).toBe(-1)

    const forced = await revoke('subject', 'demo|nobody', '--force', '--keep', '10d', '--json')
    expect(JSON.parse(forced.stdout)).toMatchObject({ outcome: 'changed' })
    expect(Number(await stack.redis.get(key))).toBeLessThan(900_000_000_000)
    expect(await stack.redis.ttl(key)).toBeGreaterThan(863_900)
  })
})

describe('a dry run says what would be, and does nothing', () => {
  it.each([
    ['of a revocation', ['subject', 'demo|x'], null, / would be set to \d+ \(/],
    ['of everybody, without --yes', ['all'], null, /bg:revoked:all would be set to /],
    ['where there is one', ['subject', 'demo|x'], '900000000000', / would be kept: /],
    ['of an undoing', ['subject', 'demo|x', '--undo'], '1', / would be deleted$/],
  ])(
    'a dry run of `brickgate revoke` prints its effect, and does nothing: %s',
    async (_, args, held, text) => {
      const key = args[0] === 'all' ? 'bg:revoked:all' : 'bg:revoked:subject:demo|x'
      if (held !== null) await stack.redis.set(key, held)
      const acts = operatorActs(stack.info).length

      const { code, stdout, stderr } = await revoke(...args, '-n')

      expect([code, stderr]).toEqual([0, ''])
      expect(stdout.trimEnd()).toMatch(text)
      expect(stdout).toMatch(/^dry run: /)
      expect(await stack.redis.get(key)).toBe(held)
      expect(operatorActs(stack.info)).toHaveLength(acts)
    },
  )
})

describe('bad input ends with its code and one line, and writes nothing:', () => {
  const SID = 'ab'.repeat(32)

  it.each<[number, string[], string]>([
    [64, ['subject'], '`revoke subject` takes ISSUER|SUBJECT, see `help`'],
    [64, ['subject', 'demo|a', 'demo|b'], '`revoke subject` takes ISSUER|SUBJECT, see `help`'],
    [64, ['subject', 'alice'], "`alice` is not of the form 'issuer|name' that is in the audit log"],
    [64, ['subject', 'demo|'], "`demo|` is not of the form 'issuer|name'"],
    [64, ['subject', 'demo|a b'], "`demo|a b` is not of the form 'issuer|name'"],
    [64, ['subject', 'demo|100%'], "`demo|100%` is not of the form 'issuer|name'"],
    [64, ['client', 'demo|a%2Fb'], "`demo|a%2Fb` is not of the form 'issuer|name'"],
    [64, ['subject', 'okta|a'], '`okta` is no issuer in brickgate.yaml, which has demo'],
    [64, ['issuer', 'Demo'], '`Demo` is no issuer in brickgate.yaml'],
    [64, ['session', 'x'], '`x` is no sid of 64 lower-case hex digits'],
    [64, ['session', `bgs_${'A'.repeat(43)}`], 'this is the token of a session, and secret'],
    [64, ['session', SID, '--until', '+2h'], 'a session is refused whenever it was made'],
    [64, ['token', 'demo|x', '--for', '2h'], 'a token is refused whenever it was made'],
    [64, ['all'], 'this concerns everybody: add --yes, or --dry-run to look first'],
    [64, ['all', '--undo'], 'this concerns everybody'],
    [64, ['subject', 'demo|x', '--yes'], '`revoke subject` takes no --yes'],
    [64, ['subject', 'demo|x', '--at', 'tomorrow'], '--at wants epoch seconds, '],
    [64, ['subject', 'demo|x', '--until', '1800000000000'], '--until wants epoch seconds, '],
    [64, ['subject', 'demo|x', '--for', '2'], '--for wants a duration such as '],
    [64, ['subject', 'demo|x', '--for', '2h', '--at', '1'], '--at, --until and --for exclude'],
    [64, ['subject', 'demo|x', '--keep', '1h'], '--keep wants at least 108065s: '],
    [64, ['subject', 'demo|x', '--undo', '--for', '1h'], '--undo takes the whole revocation back'],
    [64, ['subject', 'demo|x', '--reason', ' '], '--reason wants 1 to 500 characters'],
    [64, ['subject', 'demo|x', '--subject', 'y'], '`revoke subject` takes no --subject'],
    [66, ['subject', 'demo|x', '--undo'], 'there is no bg:revoked:subject:demo|x'],
  ])(
    'bad input ends with its code and one line, and writes nothing: %i for %j',
    async (expected, args, message) => {
      const acts = operatorActs(stack.info).length
      const { code, stdout, stderr } = await revoke(...args)

      expect([code, stdout]).toEqual([expected, ''])
      expect(stderr.startsWith(`brickgate: ${message}`), stderr).toBe(true)
      expect(stderr.split('\n')).toHaveLength(2)
      expect(stderr).not.toContain('bgs_')
      const keys = await stack.redis.keys('bg:revoked:*')
      expect(keys.filter((key) => !key.endsWith(':heartbeat'))).toEqual([])
      expect(operatorActs(stack.info)).toHaveLength(acts)
    },
  )

  it('bad input ends with its code and one line, and writes nothing: 69 when Redis is away', async () => {
    const away = variant('away', (config) => ({
      ...config,
      redis: { url: 'redis://127.0.0.1:1' },
    }))
    const { code, stderr } = await brickgate(away, 'revoke', 'subject', 'demo|x')
    expect(code).toBe(69)
    expect(stderr).toMatch(/^brickgate: redis: .*ECONNREFUSED.*\n$/)
  })

  it('bad input ends with its code and one line, and writes nothing: 1 when the audit log cannot be written, before anything is', async () => {
    const blind = variant('blind', (config) => ({ ...config, audit: { file: '/proc/audit.log' } }))
    const { code, stderr } = await brickgate(blind, 'revoke', 'subject', 'demo|x')
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^brickgate: nothing was changed, the audit log cannot be opened: ENOENT/,
    )
    expect(await stack.redis.exists('bg:revoked:subject:demo|x')).toBe(0)
  })

  it('bad input ends with its code and one line, and writes nothing: 78 for the configuration', async () => {
    const broken = variant('broken', () => ({}))
    expect((await brickgate(broken, 'revoke', 'subject', 'demo|x')).code).toBe(78)
  })

  function variant(name: string, change: (config: object) => object): typeof stack.info {
    const { demo } = stack.info
    const configFile = join(demo.directory, `${name}.yaml`)
    const config = parse(readFileSync(demo.configFile, 'utf8')) as object
    writeFileSync(configFile, stringify(change(config)), { mode: 0o600 })
    return { ...stack.info, demo: { ...demo, configFile } }
  }
})

it('a record goes to standard error where the audit does not go to a file', async () => {
  const { demo } = stack.info
  const configFile = join(demo.directory, 'journal.yaml')
  const config = parse(readFileSync(demo.configFile, 'utf8')) as object
  writeFileSync(configFile, stringify({ ...config, audit: { file: '-' } }), { mode: 0o600 })
  const journal = { ...stack.info, demo: { ...demo, configFile } }

  const { stdout, stderr } = await brickgate(journal, 'revoke', 'subject', 'demo|x', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ outcome: 'created' })
  expect(JSON.parse(stderr)).toMatchObject({ event: 'revocation', subject: 'demo|x' })
})

async function freshToken(): Promise<{ id: string; bearer: { credential: string } }> {
  const id = randomUUID()
  const claims = { sub: `sub-${id}`, jti: `jti-${id}`, sid: `sid-${id}`, client_id: `client-${id}` }
  return { id, bearer: { credential: await stack.mint({ ...claims, groups: ['analysts'] }) } }
}
