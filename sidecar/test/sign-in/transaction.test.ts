import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Cookie } from '../../src/http/cookies.ts'
import { createRecordCipher } from '../../src/session/record-cipher.ts'
import { createTransactions } from '../../src/sign-in/transaction.ts'
import { createSignInStores } from '../../src/store/sign-in-stores.ts'
import { NOW } from '../verify/token-fixture.ts'
import { browser, createSignInFixture, type SignInFixture } from './sign-in-fixture.ts'

let fixture: SignInFixture

beforeEach(async () => {
  fixture = await createSignInFixture()
})

describe('a sign-in that is begun', () => {
  it('writes nothing to Redis, and needs none', async () => {
    fixture.memory.isDown = true
    expect(await fixture.begin()).toMatchObject({ location: 'https://idp.example/auth' })
  })

  it('is a cookie of its own, which nobody can read', async () => {
    const { cookie } = await fixture.begin([], '/sql?o=1')
    expect(cookie.name).toMatch(/^__Host-brickgate-signin-[0-9a-f]{16}$/)
    expect(cookie.value).toMatch(/^eyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/)
    const secrets = [fixture.asked.state, fixture.asked.nonce, fixture.asked.codeVerifier]
    for (const secret of secrets) expect(cookie.value).not.toContain(secret)
  })

  it('leaves the others of its browser alone, up to four, and then replaces the oldest', async () => {
    const held: Cookie[] = []
    const states: string[] = []
    for (let tab = 1; tab <= 6; tab += 1) {
      const { cookie, outdated } = await fixture.begin(held)
      expect(outdated).toEqual(tab > 4 ? [held.shift()?.name] : [])
      held.push(cookie)
      states.push(fixture.asked.state)
    }
    expect(held).toHaveLength(4)
    for (const state of states.slice(2)) {
      expect((await fixture.callback(browser(...held), NOW, state)).outcome).toMatchObject({
        ok: true,
      })
    }
    expect((await fixture.callback(browser(...held), NOW, states[0])).outcome.ok).toBe(false)
  })

  it('removes a bounded number of cookies that somebody heaped up', async () => {
    const heap = Array.from({ length: 500 }, (_, index) => ({
      name: `__Host-brickgate-signin-${String(index).padStart(16, '0')}`,
      value: 'x',
    }))
    const { outdated } = await fixture.begin(heap)
    expect(outdated).toEqual(heap.slice(0, 16).map(({ name }) => name))
  })

  it.each<[string, string, string]>([
    ['a link of 5,900 characters', `/sql/editor?q=${'SELECT%20a%2C%20'.repeat(370)}`, 'whole'],
    ['any link of 1,900 characters', `/sql?q=${randomWords(1893)}`, 'whole'],
    ['a link that cannot be kept', `/sql?q=${randomWords(5000)}`, '/sql'],
    ['a link that is too long for anything', `/sql?q=${'a'.repeat(60_000)}`, '/sql'],
    ['a page that is too long', `/${'a'.repeat(60_000)}`, '/_brickgate/'],
    ['another site', '//evil.example', '/_brickgate/'],
  ])('comes back to the nearest page, in under 3 KB: %s', async (_, link, place) => {
    const { cookie } = await fixture.begin([], link)
    expect(cookie.name.length + cookie.value.length).toBeLessThan(3 * 1024)
    const { outcome, returnTo } = await fixture.callback(browser(cookie))
    expect(outcome).toMatchObject({ ok: true })
    expect(returnTo).toBe(place === 'whole' ? link : place)
  })

  it('can be completed with a session key that is the previous one by then', async () => {
    const old = createTransactions(
      createSignInStores(fixture.memory, () => false).spentSignIns,
      cipherOf(1),
    )
    const rotated = createTransactions(
      createSignInStores(fixture.memory, () => false).spentSignIns,
      cipherOf(2, 1),
    )
    const transaction = {
      ...({ state: 's'.repeat(43), tier: 'internal', nonce: 'n', codeVerifier: 'v' } as const),
      ...{ returnTo: '/', expiresAtSeconds: NOW + 600 },
    }
    const value = (await old.seal(transaction)) ?? ''
    expect(await rotated.open(value, transaction.state, NOW)).toEqual(transaction)
  })
})

describe('made-up codes', () => {
  const badCode = async (sourceIp: string) => {
    const cookie = await fixture.begun()
    fixture.given = () => ({ ok: false, failure: 'refused' })
    return (await fixture.callback({ ...browser(cookie), sourceIp })).outcome
  }
  const goodCode = async (sourceIp: string, nowSeconds = NOW) => {
    const cookie = await fixture.begun()
    fixture.given = (nonce) => fixture.tokens(nonce)
    return (await fixture.callback({ ...browser(cookie), sourceIp }, nowSeconds)).outcome
  }

  it('of one network reach the provider 20 times, then once a second, and no other waits', async () => {
    for (let tries = 0; tries < 100; tries += 1) await badCode(`2001:db8::${tries + 1}`)
    expect(fixture.redeemed).toBe(20)
    expect(await goodCode('2001:db8::abcd')).toEqual({ ok: false, failure: 'busy' })
    expect(await goodCode('2001:db8:0:1::1')).toMatchObject({ ok: true })
    expect(await goodCode('192.0.2.2')).toMatchObject({ ok: true })
    expect(await goodCode('2001:db8::abcd', NOW + 1)).toMatchObject({ ok: true })
  })

  it('leave an honest sign-in to be completed a moment later', async () => {
    for (let tries = 0; tries < 20; tries += 1) await badCode('192.0.2.1')
    const cookie = await fixture.begun()
    fixture.given = (nonce) => fixture.tokens(nonce)
    expect(await fixture.callback(browser(cookie))).toMatchObject({
      outcome: { ok: false, failure: 'busy' },
      outdated: null,
    })
    expect(await fixture.complete(cookie, NOW + 1)).toMatchObject({ ok: true })
  })

  it('are not what any number of sign-ins from one address are taken for', async () => {
    for (let person = 0; person < 200; person += 1) {
      expect(await goodCode('192.0.2.1')).toMatchObject({ ok: true })
    }
  })
})

function cipherOf(...bytes: readonly [number, ...number[]]) {
  const [current, ...previous] = bytes
  const key = (byte: number) => new Uint8Array(32).fill(byte)
  return createRecordCipher([key(current), ...previous.map(key)], 'bg-signin')
}

/** Text that no compression makes shorter than three quarters. */
function randomWords(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length)
}
