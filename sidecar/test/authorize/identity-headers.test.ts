import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { identityHeaders } from '../../src/authorize/identity-headers.ts'
import type { AccessRequest } from '../../src/domain/access-request.ts'
import type { Principal } from '../../src/domain/principal.ts'
import { ALICE } from '../support/session-fixture.ts'
import { REQUEST_ID, requestWith } from './check-fixture.ts'

const DEPLOYMENT = {
  workspaceId: '1234567890123456',
  product: 'brickgate/1.2.3',
  hasSeveralIssuers: false,
  sendsGroups: true,
}
const LIMIT = 8192

/** The obligations by variable. */
function headersOf(
  principal: Partial<Principal>,
  request: Partial<AccessRequest> = {},
  deployment = DEPLOYMENT,
): Readonly<Record<string, string>> {
  const result = identityHeaders(
    { ...ALICE, ...principal },
    { ...requestWith({}), ...request },
    deployment,
  )
  expect(new Set(result.map(({ variable }) => variable)).size).toBe(result.length)
  return Object.fromEntries(result.map(({ variable, value }) => [variable, value]))
}

it('names the caller, the tier, the workspace and the request', () => {
  expect(headersOf({ email: 'a@example.com', groups: ['x', 'y'] }, { tier: 'external' })).toEqual({
    BRICKGATE_USER: '00u1alice',
    BRICKGATE_EMAIL: 'a@example.com',
    BRICKGATE_GROUPS: 'x,y',
    BRICKGATE_TIER: 'external',
    BRICKGATE_WORKSPACE_ID: '1234567890123456',
    BRICKGATE_USER_AGENT: `databricks-sdk-py/0.1 brickgate/1.2.3 rid/${REQUEST_ID}`,
  })
})

describe('with several issuers', () => {
  const deployment = { ...DEPLOYMENT, hasSeveralIssuers: true }
  const headersFrom = (principal: Partial<Principal>) => headersOf(principal, {}, deployment)

  it('the subject and each group begin with the name of their issuer', () => {
    expect(
      headersFrom({ issuerName: 'second', subject: 'alice', groups: ['x', 'y, z'] }),
    ).toMatchObject({
      BRICKGATE_USER: 'second|alice',
      BRICKGATE_GROUPS: 'second|x,second|y%2C%20z',
    })
  })

  it('no group of one issuer reads like one of another', () => {
    const named = (issuer: string, group: string) =>
      headersFrom({ issuerName: issuer, groups: [group] })['BRICKGATE_GROUPS']
    expect(named('second', 'demo|admins')).toBe('second|demo|admins')
    expect(named('second', 'a,demo|admins')).toBe('second|a%2Cdemo|admins')
    expect(named('second', 'admins')).not.toBe(named('demo', 'admins'))
  })
})

it('says nothing where there is nothing, so that the gate deletes what the client sent', () => {
  const headers = headersOf({ email: null, groups: [] }, { userAgent: '' })
  expect(Object.keys(headers).sort()).toEqual([
    'BRICKGATE_TIER',
    'BRICKGATE_USER',
    'BRICKGATE_USER_AGENT',
    'BRICKGATE_WORKSPACE_ID',
  ])
  expect(headers['BRICKGATE_USER_AGENT']).toBe(`brickgate/1.2.3 rid/${REQUEST_ID}`)
})

describe('a group is encoded so that it stays one:', () => {
  it.each([
    ['plain', 'plain'],
    ['data, eng', 'data%2C%20eng'],
    ['100%', '100%25'],
    ['a%2Cb', 'a%252Cb'],
    ['Zürich', 'Z%C3%BCrich'],
    ['日本', '%E6%97%A5%E6%9C%AC'],
    ['🧱', '%F0%9F%A7%B1'],
    ['x\r\nX-Forwarded-User: admin', 'x%0D%0AX-Forwarded-User:%20admin'],
    ['nul\0', 'nul%00'],
    ['del\x7f', 'del%7F'],
    ['half \ud800', 'half%20%EF%BF%BD'],
    ['"quoted"', '"quoted"'],
  ])('%j', (group, encoded) => {
    expect(headersOf({ groups: ['first', group, 'last'] })['BRICKGATE_GROUPS']).toBe(
      `first,${encoded},last`,
    )
  })
})

it('lets every list of groups be read back, in printable ASCII', () => {
  const groups = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), {
    minLength: 1,
  })
  fc.assert(
    fc.property(groups, (names) => {
      const field = headersOf({ groups: names })['BRICKGATE_GROUPS'] ?? ''
      expect(field).toMatch(/^[\x21-\x7e]+$/)
      expect(field.split(',').map(decodeURIComponent)).toEqual(names)
    }),
  )
})

describe('groups of more than 8 KB are left out whole, and the workspace is told:', () => {
  it.each<[title: string, groups: readonly string[], fits: boolean]>([
    ['8,192 bytes', ['g'.repeat(LIMIT)], true],
    ['8,193 bytes', ['g'.repeat(LIMIT + 1)], false],
    ['many with their commas', Array.from({ length: 4096 }, () => 'g'), true],
    ['one more', Array.from({ length: 4097 }, () => 'g'), false],
    ['what encoding makes too large', ['ü'.repeat(1366)], false],
  ])('%s', (_, groups, fits) => {
    const headers = headersOf({ groups })
    expect('BRICKGATE_GROUPS' in headers).toBe(fits)
    expect(headers['BRICKGATE_GROUPS_STATE']).toBe(fits ? undefined : 'omitted')
  })

  it('their issuer’s name before each counts as well', () => {
    const several = { ...DEPLOYMENT, hasSeveralIssuers: true }
    const groups = Array.from({ length: 1200 }, () => 'g')
    expect(headersOf({ groups }, {}, several)).not.toHaveProperty('BRICKGATE_GROUPS')
  })

  it('everything else of the identity goes on', () => {
    expect(headersOf({ groups: ['g'.repeat(LIMIT + 1)] })).toMatchObject({
      BRICKGATE_USER: '00u1alice',
      BRICKGATE_EMAIL: 'alice@example.com',
    })
  })
})

it('tells no groups where they are switched off, nor that any were left out', () => {
  for (const groups of [['a'], ['g'.repeat(LIMIT + 1)]]) {
    const headers = headersOf({ groups }, {}, { ...DEPLOYMENT, sendsGroups: false })
    expect(Object.keys(headers).filter((name) => name.includes('GROUPS'))).toEqual([])
  }
})

describe('values that the client sent beside its credential', () => {
  it('goes on as the cookies that are not ours', () => {
    const presented = { authorization: null, sessionCookies: ['x'], otherCookies: 'a=1; b="2"' }
    expect(headersOf({}, { presented })['BRICKGATE_COOKIE']).toBe('a=1; b="2"')
  })

  it.each([
    ['cookies', 'BRICKGATE_COOKIE', 'a=???'],
    ['the user agent', 'BRICKGATE_USER_AGENT', `a=??? brickgate/1.2.3 rid/${REQUEST_ID}`],
  ])('has no byte in %s that could end its line', (_, variable, expected) => {
    const text = 'a=\r\n\xe9'
    const presented = { authorization: null, sessionCookies: [], otherCookies: text }
    expect(headersOf({}, { presented, userAgent: text })[variable]).toBe(expected)
  })
})
