import { once } from 'node:events'
import { request } from 'node:https'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readJson } from '../service/read-json.ts'
import type { MintedToken } from './mint-token.ts'
import { type ProviderFixture, startProvider } from './provider-fixture.ts'

let provider: ProviderFixture

beforeAll(async () => {
  provider = await startProvider()
})

afterAll(() => provider.close())

beforeEach(async () => {
  await provider.control('POST', 'outage', { mode: 'none' })
  await provider.control('DELETE', 'stats')
})

async function publishedKids(): Promise<readonly string[]> {
  const response = await provider.fetch(`${provider.url}/jwks`)
  const { keys } = await readJson<{ keys: readonly { kid: string }[] }>(response)
  return keys.map(({ kid }) => kid)
}

async function signingKid(): Promise<string> {
  const minted = await provider.control<MintedToken>('POST', 'token', {})
  const [header = ''] = minted.access_token.split('.')
  return JSON.parse(Buffer.from(header, 'base64url').toString()).kid
}

describe('keys', () => {
  it('rotates to a new signing key while the old one stays published', async () => {
    const before = await publishedKids()
    const oldKid = await signingKid()
    await provider.control('POST', 'keys/rotate')
    expect(await signingKid()).not.toBe(oldKid)
    const after = await publishedKids()
    expect(after).toEqual(expect.arrayContaining([...before]))
    expect(after).toHaveLength(before.length + 4)
  })

  it('withdraws the keys that no longer sign', async () => {
    const oldKid = await signingKid()
    await provider.control('POST', 'keys/rotate')
    await provider.control('POST', 'keys/withdraw')
    const left = await publishedKids()
    expect(left).toHaveLength(4)
    expect(left).not.toContain(oldKid)
    expect(left).toContain(await signingKid())
  })

  it('withdraws one key by name and replaces it when it was the last of its algorithm', async () => {
    await provider.control('POST', 'keys/withdraw').catch(() => null)
    const kid = await signingKid()
    await provider.control('POST', 'keys/withdraw', { kid })
    expect(await publishedKids()).not.toContain(kid)
    expect(await publishedKids()).toContain(await signingKid())
  })

  it('answers 400 when there is nothing to withdraw', async () => {
    const call = provider.control('POST', 'keys/withdraw', { kid: 'no-such-key' })
    await expect(call).rejects.toThrow('400')
  })
})

describe('fetches of discovery and JWKS', () => {
  const DISCOVERY = '/.well-known/openid-configuration'

  it('are counted apart and start again after a reset', async () => {
    await provider.fetch(provider.url + DISCOVERY)
    await publishedKids()
    await publishedKids()
    expect(await provider.control('GET', 'stats')).toMatchObject({ discovery: 1, jwks: 2 })
    await provider.control('DELETE', 'stats')
    expect(await provider.control('GET', 'stats')).toMatchObject({ discovery: 0, jwks: 0 })
  })

  it.each(['refuse', 'hang', 'error'])(
    'fail during the outage %s, the rest goes on',
    async (mode) => {
      await provider.control('POST', 'outage', { mode })
      for (const path of [DISCOVERY, '/jwks']) {
        const signal = AbortSignal.timeout(300)
        const outcome = provider.fetch(provider.url + path, { signal }).then(
          ({ status }) => status,
          (error: Error) => error.name,
        )
        const expected = { refuse: 'TypeError', hang: 'TimeoutError', error: 500 }[mode]
        expect(await outcome).toBe(expected)
      }
      expect(await signingKid()).toMatch(/^rs256-/)
      expect(await provider.control('GET', 'stats')).toMatchObject({ discovery: 1, jwks: 1 })
    },
  )

  it('takes no other outage', async () => {
    await expect(provider.control('POST', 'outage', { mode: 'all' })).rejects.toThrow('400')
  })
})

describe('hostile targets', () => {
  it.each(['//', '/%', '/__demo/', '/__demo/../token', '*', '/interaction/x?'])(
    'leave the provider running: %s',
    async (target) => {
      const { port } = new URL(provider.url)
      const options = { host: '127.0.0.1', port, servername: 'localhost', ca: provider.ca }
      const [response] = await once(request({ ...options, path: target }).end(), 'response')
      response.resume()
      expect(response.statusCode).toBeGreaterThanOrEqual(400)
      expect(await publishedKids()).not.toEqual([])
    },
  )
})
