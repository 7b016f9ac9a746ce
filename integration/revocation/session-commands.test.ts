import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { brickgate, type CommandResult, run } from '../harness/commands.ts'
import { type MadeSession, makeSession, sealedSeen } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { operatorActs } from './commanding.ts'
import { CLUSTERS, epochSeconds, expectAllowed, expectRefused, unrevokeAll } from './revoking.ts'

interface Listed {
  readonly sid: string
  readonly subject: string
  readonly state: string
  readonly kind: string
}

let stack: StackClient

beforeAll(() => {
  stack = stackClient(sharedStack())
})

afterEach(() => unrevokeAll(stack))

afterAll(async () => {
  const keys = await stack.redis.keys('bg:session:*')
  if (keys.length > 0) await stack.redis.del(...keys)
  stack.close()
})

const sessions = (...args: string[]): Promise<CommandResult> =>
  brickgate(stack.info, 'sessions', ...args)
const listed = async (...args: string[]): Promise<Listed[]> => {
  const { code, stdout } = await sessions('list', '--json', ...args)
  expect(code).toBe(0)
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Listed)
}

/** A session as the responder makes it for a program. */
async function made(subject: string): Promise<{ token: string; sid: string; parent: string }> {
  const parent = await stack.mint({ sub: subject, groups: ['analysts'] })
  const headers = { 'content-length': '0', 'user-agent': 'etl/1.0\u00c2\u009b2J' }
  const answer = await stack.sendAs(parent, '/_brickgate/sessions', { method: 'POST', headers })
  return { ...(JSON.parse(answer.body) as { token: string; sid: string }), parent }
}

describe('`brickgate sessions list`', () => {
  it('`brickgate sessions list` tells of the sessions of a subject what is known, and no token', async () => {
    const subject = `s-${randomUUID()}`
    const [one, other] = [await made(subject), await made(subject)]
    await made(`s-${randomUUID()}`)
    const now = epochSeconds()
    await stack.redis.set(`bg:seen:${one.sid}`, sealedSeen(stack, one.sid, now - 3), 'EX', 600)

    const { code, stdout, stderr } = await sessions('list', '--subject', `demo|${subject}`)

    expect([code, stderr]).toEqual([0, ''])
    const [heading, ...rows] = stdout.trimEnd().split('\n')
    expect(heading).toMatch(
      /^SID +KIND +TIER +STATE +CREATED +LAST SEEN +EXPIRES +SUBJECT +ADDRESS/,
    )
    expect(rows.map((row) => row.slice(0, 64)).sort()).toEqual([one.sid, other.sid].sort())
    for (const row of rows) {
      expect(row).toMatch(
        /^[0-9a-f]{64} {2}program {2}internal {2}live {5}(\d{4}-\S+Z {2}){3}demo\|/,
      )
      expect(row).toMatch(/ {2}127\.0\.0\.1 {2}etl\/1\.0\?2J$/)
    }
    for (const secret of [one.token, other.token, one.parent, 'bgs_', 'eyJ']) {
      expect(stdout).not.toContain(secret)
    }
    expect(await listed('--subject', 'demo|nobody')).toEqual([])
  })

  it('`brickgate sessions list` walks all sessions, also those that no index names', async () => {
    const browser = await makeSession(stack, { principal: { subject: `s-${randomUUID()}` } })
    const program = await made(`s-${randomUUID()}`)
    const all = await listed()
    const sids = all.map(({ sid }) => sid)
    expect(sids).toContain(browser.sid)
    expect(sids).toContain(program.sid)
    expect(all.find(({ sid }) => sid === browser.sid)).toMatchObject({
      kind: 'browser',
      state: 'live',
      subject: `demo|${browser.session.principal.subject}`,
      expires_at: browser.session.expiresAtSeconds,
      source_ip: '127.0.0.1',
    })
  })

  it('`brickgate sessions list` leaves out what it cannot read, and says so', async () => {
    const key = `bg:session:${randomBytes(32).toString('hex')}`
    await stack.redis.set(key, 'garbage', 'EX', 60)
    const { code, stderr } = await sessions('list')
    await stack.redis.del(key)
    expect(code).toBe(0)
    expect(stderr).toBe('brickgate: 1 values were no sessions that the configured keys open\n')
  })

  it('`brickgate sessions list` tells which are revoked', async () => {
    const subject = `s-${randomUUID()}`
    const { sid } = await made(subject)
    await brickgate(stack.info, 'revoke', 'subject', `demo|${subject}`)
    expect(await listed('--subject', `demo|${subject}`)).toMatchObject([{ sid, state: 'revoked' }])
  })

  it('`brickgate sessions list` ends in good order when its reader goes', async () => {
    const command = `'${process.cwd()}/bin/brickgate' sessions list --config '${stack.info.demo.configFile}'`
    const result = await run('bash', ['-o', 'pipefail', '-c', `${command} | true`])
    expect(result).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

describe('`brickgate sessions show`', () => {
  it('`brickgate sessions show` prints a session', async () => {
    const { sid } = await made('alice')
    const { code, stdout } = await sessions('show', sid)
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^sid +${sid}\n`))
    expect(stdout).toMatch(/\nsubject +demo\|alice\nkind +program\n/)
    expect(stdout).not.toMatch(/bgs_|eyJ/)
    const asJson = await sessions('show', sid, '--json')
    expect(JSON.parse(asJson.stdout)).toMatchObject({ sid, groups: ['analysts'], state: 'live' })
  })

  it('`brickgate sessions show` ends with 66 for one that is not there, and 1 for what is none', async () => {
    const sid = randomBytes(32).toString('hex')
    const gone = { code: 66, stdout: '', stderr: `brickgate: there is no bg:session:${sid}\n` }
    expect(await sessions('show', sid)).toEqual(gone)
    await stack.redis.set(`bg:session:${sid}`, 'garbage', 'EX', 60)
    const { code, stderr } = await sessions('show', sid)
    expect(code).toBe(1)
    expect(stderr).toMatch(/ is no session that the configured keys open: undecryptable\n$/)
    await stack.redis.del(`bg:session:${sid}`)
  })
})

describe('`brickgate sessions revoke`', () => {
  let session: MadeSession

  beforeAll(async () => {
    session = await makeSession(stack)
  })

  it('`brickgate sessions revoke` says in a dry run what would go, and lets it be', async () => {
    const { code, stdout } = await sessions('revoke', session.sid, '--dry-run')
    expect(code).toBe(0)
    expect(stdout).toBe(
      `dry run: bg:session:${session.sid} and bg:seen:${session.sid} would be deleted, a session of demo|alice\n`,
    )
    await expectAllowed(stack, { credential: session.id })
  })

  it('`brickgate sessions revoke` ends a session at once, and records why', async () => {
    const { code } = await sessions('revoke', session.sid, '--reason', 'lost phone')
    expect(code).toBe(0)
    await expectRefused(stack, { credential: session.id }, 'session-unknown')
    expect(operatorActs(stack.info).at(-1)).toMatchObject({
      action: 'end-session',
      session: session.sid,
      operator_reason: 'lost phone',
    })
    expect((await sessions('revoke', session.sid)).code).toBe(66)
  })

  it('`brickgate sessions revoke` ends one that it cannot read', async () => {
    const sid = randomBytes(32).toString('hex')
    await stack.redis.set(`bg:session:${sid}`, 'garbage', 'EX', 60)
    expect((await sessions('revoke', sid)).code).toBe(0)
    expect(await stack.redis.exists(`bg:session:${sid}`)).toBe(0)
  })

  it('`brickgate sessions revoke` does what a session revocation does, too', async () => {
    const { token, sid } = await made('alice')
    expect((await stack.sendAs(token, CLUSTERS)).status).toBe(200)
    expect((await brickgate(stack.info, 'revoke', 'session', sid)).code).toBe(0)
    await expectRefused(stack, { credential: token }, 'session-revoked')
  })
})
