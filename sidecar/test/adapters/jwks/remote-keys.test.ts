import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createPushedKeys } from '../../../src/adapters/jwks/pushed-keys.ts'
import { createRemoteKeys } from '../../../src/adapters/jwks/remote-keys.ts'
import { SYSTEM_CLOCK } from '../../../src/adapters/system-clock.ts'
import { createTokenVerifier } from '../../../src/verify/token-verifier.ts'
import {
  CLAIMS,
  GENERIC,
  LIMITS,
  mint,
  NOW,
  type SigningKey,
  signingKey,
} from '../../verify/token-fixture.ts'
import { reasonOf } from '../../verify/token-verifier-fixture.ts'
import { CA, kids, serve, TIMING, until, watch } from './remote-keys-fixture.ts'

let one: SigningKey
let two: SigningKey

beforeAll(async () => {
  one = await signingKey('one')
  two = await signingKey('two')
})

describe('the keys of an issuer', () => {
  it('are discovered and told as plain data', async () => {
    const server = await serve()
    server.keys = [one.jwk, two.jwk]
    const { remote, pushed, fetches } = watch({ issuerUrl: server.url })
    expect([remote.sets(), remote.ageSeconds('idp')]).toEqual([[], null])
    remote.start()
    await until(() => fetches.length === 1)
    expect(kids(pushed[0])).toEqual(['one', 'two'])
    expect(remote.sets()).toEqual(pushed)
    expect(JSON.parse(JSON.stringify(pushed[0]))).toEqual(pushed[0])
    expect(remote.ageSeconds('idp')).toBeLessThan(5)
    expect(remote.ageSeconds('other')).toBeNull()
    expect(fetches).toEqual(['idp ok'])
  })

  it('are found under an issuer with a slash at the end', async () => {
    const server = await serve()
    server.keys = [one.jwk]
    server.discovery['issuer'] = `${server.url}/`
    const { remote } = watch({ issuerUrl: `${server.url}/` })
    expect(await remote.refresh('idp')).toBe('refreshed')
  })

  it('are fetched without discovery where the operator says', async () => {
    const server = await serve()
    server.keys = [one.jwk]
    const { remote, pushed } = watch({
      issuerUrl: 'https://elsewhere.example',
      jwksUri: `${server.url}/keys`,
    })
    expect(await remote.refresh('idp')).toBe('refreshed')
    expect(kids(pushed[0])).toEqual(['one'])
  })

  it('are fetched over TLS from a server of the given authority only', async () => {
    const server = await serve()
    server.keys = [one.jwk]
    const trusted = watch({ issuerUrl: server.url, ca: CA })
    const untrusted = watch({ issuerUrl: server.url, ca: null })
    expect(await trusted.remote.refresh('idp')).toBe('refreshed')
    expect(await untrusted.remote.refresh('idp')).toBe('failed')
    expect(untrusted.warnings[0]).toMatch(/self-signed/)
    expect(untrusted.pushed).toEqual([])
  })

  it.each([
    ['http', 'http://127.0.0.1:1', null],
    ['no URL', 'idp', null],
    ['a file', 'file:///etc/passwd', null],
    ['http for the keys', 'https://idp.example', 'http://idp.example/keys'],
  ])('have an https address, or nothing starts: %s', (_, issuerUrl, jwksUri) => {
    expect(() => watch({ issuerUrl, jwksUri })).toThrow(RangeError)
  })

  it('of an unknown issuer cannot be asked for', async () => {
    const { remote } = watch({ issuerUrl: 'https://127.0.0.1:1' })
    expect(await remote.refresh('other')).toBe('failed')
    expect(await remote.refresh('__proto__')).toBe('failed')
  })

  it('that should not be public are dropped and reported', async () => {
    const server = await serve()
    server.keys = [one.jwk, { kty: 'oct', k: 'AAAA', kid: 'secret' }]
    const { remote, pushed, warnings } = watch({ issuerUrl: server.url })
    await remote.refresh('idp')
    expect(kids(pushed[0])).toEqual(['one'])
    expect(warnings).toEqual(['idp dropped the key `secret`: it is not a public key'])
  })
})

describe('unknown key ids', () => {
  it('cause two fetches a cooldown, however many ask, at once or later', async () => {
    const server = await serve()
    server.keys = [one.jwk]
    const watched = watch({ issuerUrl: server.url }, { cooldownSeconds: 30 })
    watched.remote.start()
    await until(() => server.fetches === 1)
    await until(() => watched.pushed.length === 1)
    const requestKeys = (): Promise<string[]> =>
      Promise.all(Array.from({ length: 200 }, () => watched.remote.refresh('idp')))
    expect(new Set(await requestKeys())).toEqual(new Set(['refreshed']))
    expect(new Set(await requestKeys())).toEqual(new Set(['refreshed']))
    expect(new Set(await requestKeys())).toEqual(new Set(['cooling-down']))
    expect(server.fetches).toBe(3)
    watched.clockMs += 60_001
    expect(new Set(await requestKeys())).toEqual(new Set(['refreshed']))
    expect(server.fetches).toBe(4)
  })

  it('made up every second cause two fetches in any cooldown, at most half of it apart', async () => {
    const server = await serve()
    server.keys = [one.jwk]
    const watched = watch({ issuerUrl: server.url }, { cooldownSeconds: 30 })
    const fetchedAtS: number[] = []
    for (let second = 0; second <= 120; second++) {
      const before = server.fetches
      await watched.remote.refresh('idp')
      if (server.fetches > before) fetchedAtS.push(second)
      watched.clockMs += 1000
    }
    expect(fetchedAtS).toEqual([0, 1, 30, 45, 60, 75, 90, 105, 120])
  })

  it('are never answered cooling-down while the issuer cannot be reached', async () => {
    const server = await serve()
    server.keys = [one.jwk]
    const { remote } = watch({ issuerUrl: server.url }, { cooldownSeconds: 0.05 })
    await remote.refresh('idp')
    server.misbehave = (_, response) => void response.writeHead(503).end()
    await until(() => server.fetches === 1)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(await remote.refresh('idp')).toBe('failed')
    expect(await remote.refresh('idp')).toBe('failed')
  })

  it('wait for a fetch that began after they were asked', async () => {
    const server = await serve()
    server.keys = [one.jwk]
    const held: (() => void)[] = []
    server.misbehave = (request, response) => {
      if (request.url !== '/keys') return void response.end(JSON.stringify(server.discovery))
      const answered = JSON.stringify({ keys: server.keys })
      held.push(() => response.end(answered))
    }
    const { remote, pushed } = watch({ issuerUrl: server.url })
    remote.start()
    await until(() => held.length === 1)
    server.keys = [one.jwk, two.jwk]
    const asked = remote.refresh('idp')
    held[0]?.()
    await until(() => held.length === 2)
    held[1]?.()
    expect(await asked).toBe('refreshed')
    expect(pushed.map(kids)).toEqual([['one'], ['one', 'two']])
  })
})

describe('time', () => {
  it('brings every change within refreshSeconds, and renews the age of what did not change', async () => {
    const server = await serve()
    server.keys = [one.jwk, two.jwk]
    const { remote, pushed } = watch({ issuerUrl: server.url }, { refreshSeconds: 0.2 })
    remote.start()
    await until(() => pushed.length >= 2)
    expect(kids(pushed[1])).toEqual(['one', 'two'])
    const ages = pushed.map((set) => set.fetchedAtMonotonicMs)
    expect(ages[1]).toBeGreaterThan(ages[0] ?? Number.NaN)
    server.keys = [two.jwk]
    const withdrawnMs = performance.now()
    await until(() => kids(pushed.at(-1))?.length === 1)
    expect(performance.now() - withdrawnMs).toBeLessThan(400)
  })

  it('tries again soon while the issuer is down', async () => {
    const server = await serve()
    server.misbehave = (_, response) => void response.writeHead(503).end()
    const { remote, fetches, pushed } = watch({ issuerUrl: server.url })
    remote.start()
    await until(() => fetches.length === 1)
    server.misbehave = null
    server.keys = [one.jwk]
    await until(() => pushed.length === 1)
    expect(fetches).toEqual(['idp error', 'idp ok'])
  })

  it('stands still after close, in the middle of a fetch too', async () => {
    const server = await serve()
    server.misbehave = () => {}
    const { remote, pushed } = watch({ issuerUrl: server.url }, { timeoutMs: 60_000 })
    remote.start()
    await new Promise((resolve) => setTimeout(resolve, 50))
    await remote.close()
    server.misbehave = null
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect([pushed.length, server.fetches]).toEqual([0, 0])
  })
})

describe('remote keys, pushed to a verifier', () => {
  it('verify, rotate, survive an outage and are withdrawn', async () => {
    const server = await serve()
    server.keys = [one.jwk]
    const pushed = createPushedKeys({
      maxStaleSeconds: 60,
      clock: SYSTEM_CLOCK,
      requestKeys: (issuerName) => remote.refresh(issuerName),
    })
    const remote = createRemoteKeys({
      issuers: [{ issuerName: 'idp', issuerUrl: server.url, jwksUri: null, ca: CA }],
      timing: { ...TIMING, cooldownSeconds: 0 },
      clock: SYSTEM_CLOCK,
      onKeys: pushed.receive,
      observer: { fetch() {}, warning() {} },
    })
    onTestFinished(() => remote.close())
    const verifier = createTokenVerifier({
      issuers: [{ ...GENERIC, issuerUrl: server.url }],
      keys: pushed,
      limits: LIMITS,
      cacheSize: 100,
      observer: { verification() {}, cacheHit() {}, cacheMiss() {} },
      onUnexpected: (error) => {
        throw error
      },
    })
    const claims = { ...CLAIMS, iss: server.url }
    const outcomeOf = async (key: SigningKey): Promise<string> =>
      reasonOf(await verifier.verify(mint(key, claims), NOW))

    expect(await outcomeOf(one)).toBe('keys-unavailable')
    await remote.refresh('idp')
    expect(await outcomeOf(one)).toBe('ok')
    server.keys = [one.jwk, two.jwk]
    expect(await outcomeOf(two)).toBe('ok')
    server.misbehave = (_, response) => void response.writeHead(503).end()
    expect(await outcomeOf(one)).toBe('ok')
    expect(await outcomeOf({ ...two, kid: 'three' })).toBe('keys-unavailable')
    server.misbehave = null
    server.keys = [two.jwk]
    await remote.refresh('idp')
    expect(await outcomeOf(one)).toBe('unknown-key')
    expect(await outcomeOf(two)).toBe('ok')
  })
})
