import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  cookieOf,
  readCookies,
  SESSION_COOKIE,
  SIGN_IN_COOKIE,
  setCookie,
  signInCookiesOf,
} from '../../src/http/cookies.ts'

const ID = `bgs_${'A'.repeat(43)}`
const OURS = `${SESSION_COOKIE}=${ID}`

it.each<[title: string, field: string | null, sessions: readonly string[], others: string]>([
  ['finds nothing without a field', null, [], ''],
  ['finds nothing in an empty field', '', [], ''],
  ['finds nothing between semicolons', '; ;;\t;', [], ''],
  ['finds ours alone', OURS, [ID], ''],
  ['finds ours first', `${OURS}; a=1`, [ID], 'a=1'],
  ['finds ours last', `a=1; ${OURS}`, [ID], 'a=1'],
  ['finds ours without a space', `a=1;${OURS};b=2`, [ID], 'a=1; b=2'],
  ['finds ours among spaces and tabs', ` \t${SESSION_COOKIE} \t=\t ${ID}\t `, [ID], ''],
  ['finds both of two', `${OURS}; a=1; ${SESSION_COOKIE}=x`, [ID, 'x'], 'a=1'],
  ['finds ours with an empty value', `${SESSION_COOKIE}=`, [''], ''],
  ['finds ours without a value', SESSION_COOKIE, [''], ''],
  ['keeps quotes in its value', `${SESSION_COOKIE}="${ID}"`, [`"${ID}"`], ''],
  ['keeps the value of ours to the end', `${SESSION_COOKIE}=a=b`, ['a=b'], ''],
  ['does not take another name that ends like ours', `x${SESSION_COOKIE}=1`, [], ''],
  ['does not take ours in another case', `__host-BRICKGATE=1; a=1`, [], 'a=1'],
  ['drops the cookies of sign-ins', `${SIGN_IN_COOKIE}0123456789abcdef=1; a=1`, [], 'a=1'],
  ['keeps a cookie without a value', 'a; b=1', [], 'a; b=1'],
  ['keeps a cookie without a name', '=a; b=1', [], '=a; b=1'],
  ['keeps equal names in order', 'a=2; a=1', [], 'a=2; a=1'],
  ['keeps quotes, commas and spaces inside', 'a="x, y"; b=1', [], 'a="x, y"; b=1'],
  ['keeps names of objects', '__proto__=1; constructor=2', [], '__proto__=1; constructor=2'],
  ['keeps bytes above ASCII', 'a=\xc3\xa0; b=\xa0', [], 'a=\xc3\xa0; b=\xa0'],
])('%s', (_, field, sessionCookies, otherCookies) => {
  expect(readCookies(field)).toEqual({ sessionCookies, otherCookies })
})

describe('cookies that go to the workspace', () => {
  it.each([
    `a=${ID}`,
    `${ID}=a`,
    ID,
    `=${OURS}`,
    `a=1, ${OURS}`,
    `a=1, ${SESSION_COOKIE}=x`,
    `A="${ID}"`,
    `__HOST-brickgate-SignIn=x`,
    `BGS_${'a'.repeat(50)}=1`,
  ])('has nothing of ours in it: %s', (pair) => {
    expect(readCookies(`x=1; ${pair}; y=2`).otherCookies).toBe('x=1; y=2')
  })

  it('is the field without our pairs, whatever else it holds', () => {
    const pair = fc.string({ unit: fc.constantFrom('a', '=', ' ', '"', ',', '\xe9') })
    fc.assert(
      fc.property(fc.array(pair), fc.nat(5), (pairs, at) => {
        const kept = pairs.map((text) => text.replace(/^ +| +$/g, '')).filter((text) => text !== '')
        const sent = pairs.toSpliced(at, 0, OURS).join(';')
        expect(readCookies(sent)).toEqual({ sessionCookies: [ID], otherCookies: kept.join('; ') })
      }),
    )
  })
})

it.each([
  ' '.repeat(200_000),
  ';'.repeat(200_000),
  '='.repeat(200_000),
  `${SESSION_COOKIE}=;`.repeat(10_000),
])('CVE-2024-24814: takes time in proportion to the field', (field) => {
  const started = performance.now()
  readCookies(`a${field}b`)
  expect(performance.now() - started).toBeLessThan(2000)
})

describe('a cookie of ours', () => {
  it.each<[title: string, field: string | null, value: string | null]>([
    ['is null without a field', null, null],
    ['is null in an empty field', '', null],
    ['is found among others', `a=1; ${SIGN_IN_COOKIE}x=x; ${OURS}`, ID],
    ['is not that of a sign-in', `${SIGN_IN_COOKIE}x=x`, null],
    ['is null when it stands twice', `${OURS}; ${OURS}`, null],
    ['is case-sensitive', OURS.toUpperCase(), null],
    ['is not taken from a nameless one', `=${OURS}`, null],
  ])('%s', (_, field, value) => expect(cookieOf(SESSION_COOKIE, field)).toBe(value))

  it('of a sign-in is found by its form, in the order sent', () => {
    const [first, second] = [
      `${SIGN_IN_COOKIE}${'f'.repeat(16)}`,
      `${SIGN_IN_COOKIE}${'0'.repeat(16)}`,
    ]
    const others = `${SIGN_IN_COOKIE}=1; ${SIGN_IN_COOKIE}${'F'.repeat(16)}=1; ${OURS}; =${first}`
    expect(signInCookiesOf(`${first}=a; ${others}; ${second}=b=c; ${first}=d`)).toEqual([
      { name: first, value: 'a' },
      { name: second, value: 'b=c' },
      { name: first, value: 'd' },
    ])
    expect(signInCookiesOf(null)).toEqual([])
  })

  it('is set for this host alone, out of reach of scripts and of other sites', () => {
    expect(setCookie(SESSION_COOKIE, ID, null)).toBe(
      `__Host-brickgate=${ID}; Path=/; Secure; HttpOnly; SameSite=Lax`,
    )
    expect(setCookie(`${SIGN_IN_COOKIE}0123456789abcdef`, '', 0)).toBe(
      '__Host-brickgate-signin-0123456789abcdef=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0',
    )
  })
})
