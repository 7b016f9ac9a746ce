import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type AuditLog, auditRecorder, createAuditLog } from '../../src/observe/audit.ts'
import { allowEvent, unreadableEvent } from './decision-event-fixture.ts'

/** For a shared disk. */
const SOON = { timeout: 5000 }

const FIELDS = [
  'time',
  'request_id',
  'decision',
  'reason',
  'claim',
  'outage',
  'tier',
  'method',
  'path',
  'operation',
  'risk',
  'subject',
  'email',
  'issuer',
  'client_id',
  'session',
  'token_id',
  'source_ip',
  'user_agent',
  'policy',
  'duration_us',
]

describe('a record', () => {
  it('of an allow has every field', () => {
    const record = recorded(allowEvent())
    expect(Object.keys(record)).toEqual(FIELDS)
    expect(record).toEqual({
      time: expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ$/),
      request_id: '0123456789abcdef0123456789abcdef',
      decision: 'allow',
      reason: 'allowed',
      claim: null,
      outage: null,
      tier: 'internal',
      method: 'GET',
      path: '/api/2.1/clusters/list',
      operation: null,
      risk: null,
      subject: 'okta|00u1',
      email: 'alice@example.com',
      issuer: 'okta',
      client_id: 'cli',
      session: 'f'.repeat(64),
      token_id: 'jti-1',
      source_ip: '192.0.2.1',
      user_agent: 'databricks-sdk-py/0.1',
      policy: ['readers', 'writers'],
      duration_us: 321,
    })
  })

  it('of what could not be read has every field too, null where nothing is known', () => {
    const record = recorded(unreadableEvent())
    expect(Object.keys(record)).toEqual(FIELDS)
    const known = Object.entries(record).filter(([, value]) => value !== null)
    expect(Object.fromEntries(known)).toEqual({
      time: expect.any(String),
      decision: 'deny',
      reason: 'bad-request',
      tier: 'external',
      policy: [],
      duration_us: 7,
    })
  })

  it('holds nothing that was presented, and nothing that goes to the workspace', () => {
    const line = JSON.stringify(recorded(allowEvent()))
    expect(line).not.toContain('a-secret')
  })

  it.each([
    '',
    '"',
    '\\',
    '\n{"reason":"allowed"}',
    '\0',
    '\u2028',
    '\ud800',
    '__proto__',
    'constructor',
  ])('keeps %j inside its field, on one line', (value) => {
    const lines = linesOf(allowEvent({ userAgent: value, path: value, sourceIp: value }))
    expect(lines).toHaveLength(1)
    const record = JSON.parse(lines[0] ?? '')
    expect(Object.keys(record)).toEqual(FIELDS)
    expect(record).toMatchObject({ user_agent: value, path: value, source_ip: value })
  })

  it('has a path of 512 characters at most, and marks the cut', () => {
    const pathOf = (path: string): unknown =>
      JSON.parse(linesOf(allowEvent({ path }))[0] ?? '').path
    expect(pathOf(`/${'a'.repeat(511)}`)).toBe(`/${'a'.repeat(511)}`)
    expect(pathOf(`/${'a'.repeat(31_000)}`)).toBe(`/${'a'.repeat(511)}[cut]`)
  })

  it('is one line of JSON whatever text is in it', () => {
    const text = fc.string({ unit: 'binary', maxLength: 50 })
    fc.assert(
      fc.property(text, text, (userAgent, path) => {
        const lines = linesOf(allowEvent({ userAgent, path }))
        expect(lines).toHaveLength(1)
        expect(JSON.parse(lines[0] ?? '')).toMatchObject({ user_agent: userAgent, path })
      }),
    )
  })
})

describe('the audit log', () => {
  let directory: string
  let file: string
  let reported: { written: number; dropped: number; failing: unknown[] }

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'brickgate-audit-'))
    file = join(directory, 'audit.log')
    reported = { written: 0, dropped: 0, failing: [] }
  })

  afterEach(() => rmSync(directory, { recursive: true }))

  function open(path: string): AuditLog {
    return createAuditLog(path, {
      written: () => (reported.written += 1),
      dropped: () => (reported.dropped += 1),
      failing: (error) => reported.failing.push(error),
    })
  }

  it('writes each record, and on flush all of them', () => {
    const log = open(file)
    for (let count = 0; count < 1000; count++) log.record(allowEvent())
    log.flush()
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(1000)
    expect(reported).toEqual({ written: 1000, dropped: 0, failing: [] })
  })

  it('appends to what is there, and several may write the same file', async () => {
    const logs = [open(file), open(file), open(file)]
    const userAgent = 'a'.repeat(20_000)
    for (let count = 0; count < 100; count++) {
      for (const log of logs) log.record(allowEvent({ userAgent }))
      if (count % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    for (const log of logs) log.flush()
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(lines).toHaveLength(300)
    for (const line of lines) expect(JSON.parse(line).user_agent).toBe(userAgent)
  })

  it('is readable by its owner and group only', () => {
    const before = process.umask(0)
    open(file)
    process.umask(before)
    expect(statSync(file).mode & 0o777).toBe(0o640)
  })

  it.each([
    ['a folder', () => (mkdirSync(file), file)],
    ['in a folder that is not there', () => join(directory, 'missing', 'audit.log')],
  ])('cannot be opened as %s, and says so at once', (_what, path) => {
    expect(() => open(path())).toThrow(/EISDIR|ENOENT/)
  })

  it('drops and counts what does not fit into 8 MiB of unwritten records', () => {
    const log = open(file)
    const event = allowEvent({ userAgent: 'a'.repeat(30_000) })
    for (let count = 0; count < 400; count++) log.record(event)
    log.flush()
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(reported.dropped).toBeGreaterThan(100)
    expect(reported.written).toBe(lines.length)
    expect(reported.written + reported.dropped).toBe(400)
    expect(lines.every((line) => JSON.parse(line).reason === 'allowed')).toBe(true)
  })

  it('on a full disk tells it once, holds the records, and throws at nobody', async () => {
    const log = open('/dev/full')
    for (let count = 0; count < 20; count++) {
      log.record(allowEvent())
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await vi.waitFor(() => expect(reported.failing).toMatchObject([{ code: 'ENOSPC' }]), SOON)
    expect(reported).toMatchObject({ written: 20, dropped: 0 })
    log.flush()
    expect(reported.failing).toMatchObject([{ code: 'ENOSPC' }, { code: 'ENOSPC' }])
  })
})

function linesOf(event: Parameters<AuditLog['record']>[0]): string[] {
  let text = ''
  auditRecorder({ write: (chunk) => void (text += chunk) })(event)
  return text.split('\n').filter((line) => line !== '')
}

function recorded(event: Parameters<AuditLog['record']>[0]): Record<string, unknown> {
  return JSON.parse(linesOf(event)[0] ?? '')
}
