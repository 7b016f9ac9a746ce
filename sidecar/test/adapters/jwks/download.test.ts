import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createKeyDownload, type RemoteIssuer } from '../../../src/adapters/jwks/download.ts'
import { type SigningKey, signingKey } from '../../verify/token-fixture.ts'
import type { IssuerServer } from './issuer-server-fixture.ts'
import { CA, kids, serve, watch } from './remote-keys-fixture.ts'

let one: SigningKey

beforeAll(async () => {
  one = await signingKey('one')
})

describe('a fetch fails', () => {
  const big = JSON.stringify({ keys: [], padding: 'x'.repeat(512 * 1024) })
  const rows: readonly [string, RegExp, (server: IssuerServer) => void][] = [
    ['when the server is down', /ECONN/, (server) => void server.close()],
    ['when it hangs', /timeout/i, (server) => (server.misbehave = () => {})],
    [
      'when it drips',
      /timeout/i,
      (server) => (server.misbehave = (_, response) => void response.write('{"issuer":')),
    ],
    [
      'when it answers another status',
      /answered 500/,
      (server) => (server.misbehave = (_, response) => void response.writeHead(500).end('{}')),
    ],
    [
      'when it redirects',
      /answered 302/,
      (server) =>
        (server.misbehave = (_, response) =>
          void response.writeHead(302, { location: `${server.url}/keys` }).end()),
    ],
    [
      'when it answers more than 512 KiB',
      /size/i,
      (server) => (server.misbehave = (_, response) => void response.end(big)),
    ],
    [
      'when it answers no JSON',
      /JSON/,
      (server) => (server.misbehave = (_, response) => void response.end('<html>')),
    ],
    [
      'when the document is null',
      /another issuer/,
      (server) => (server.misbehave = (_, response) => void response.end('null')),
    ],
    [
      'when another issuer is discovered',
      /another issuer/,
      (server) => (server.discovery['issuer'] = `${server.url}/`),
    ],
    [
      'when no keys are discovered',
      /no jwks_uri/,
      (server) => (server.discovery['jwks_uri'] = undefined),
    ],
    [
      'when the keys are not at an address',
      /not an https address/,
      (server) => (server.discovery['jwks_uri'] = 'file:///etc/passwd'),
    ],
    [
      'when the keys are no key set',
      /JWK Set/,
      (server) => (server.discovery['jwks_uri'] = `${server.url}/other`),
    ],
  ]

  it.each(rows)('%s, and the last good keys stay', async (_, message, misbehave) => {
    const server = await serve()
    server.keys = [one.jwk]
    const watched = watch({ issuerUrl: server.url }, { cooldownSeconds: 0 })
    await watched.remote.refresh('idp')
    misbehave(server)
    expect(await watched.remote.refresh('idp')).toBe('failed')
    expect(watched.fetches).toEqual(['idp ok', 'idp error'])
    expect(watched.warnings[0]).toMatch(message)
    expect(watched.remote.sets().map(kids)).toEqual([['one']])
    expect(watched.pushed).toHaveLength(1)
  })

  it.each(['a handshake', 'an answer'])('in time when the server never gives %s', async (what) => {
    const download = createKeyDownload(await silentIssuer(what), 300)
    const startedMs = performance.now()
    await expect(download.run()).rejects.toThrow(/timeout/i)
    expect(performance.now() - startedMs).toBeLessThan(2000)
  })

  it.each(['a handshake', 'an answer'])('at once when closed before %s comes', async (what) => {
    const download = createKeyDownload(await silentIssuer(what), 60_000)
    const startedMs = performance.now()
    setTimeout(() => download.close(), 200)
    await expect(download.run()).rejects.toThrow(/abort/i)
    expect(performance.now() - startedMs).toBeLessThan(2000)
  })

  it('when the issuer withdrew every key, which is believed', async () => {
    const server = await serve()
    server.keys = [one.jwk]
    const { remote, pushed, fetches } = watch({ issuerUrl: server.url }, { cooldownSeconds: 0 })
    await remote.refresh('idp')
    server.keys = []
    expect(await remote.refresh('idp')).toBe('failed')
    expect(pushed.map(kids)).toEqual([['one'], []])
    expect(fetches).toEqual(['idp ok', 'idp error'])
  })

  it('without a request when http is discovered', async () => {
    const [secure, plain] = [await serve(), await serve('http')]
    plain.keys = [one.jwk]
    secure.discovery['jwks_uri'] = `${plain.url}/keys`
    const { remote, warnings } = watch({ issuerUrl: secure.url })
    expect(await remote.refresh('idp')).toBe('failed')
    expect(warnings[0]).toMatch(/not an https address/)
    expect(plain.fetches).toBe(0)
  })
})

/**
 * An issuer that accepts connections and never gives a TLS handshake, or never an answer after it.
 */
async function silentIssuer(what: string): Promise<RemoteIssuer> {
  const url = what === 'a handshake' ? await silentUrl() : await unansweredUrl()
  return { issuerName: 'idp', issuerUrl: url, jwksUri: null, ca: CA }
}

async function unansweredUrl(): Promise<string> {
  const server = await serve()
  server.misbehave = () => undefined
  return server.url
}

async function silentUrl(): Promise<string> {
  const sockets: Socket[] = []
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}
