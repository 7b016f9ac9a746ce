import { beforeAll, describe, expect, it } from 'vitest'
import { type SigningKey, signingKey } from '../verify/minting.ts'
import type { IssuerServer } from './issuer-server.ts'
import { certificate, kids, serve, watch } from './watching.ts'

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
    const watched = watch({ issuer: server.url }, { cooldownSeconds: 0 })
    await watched.remote.refresh('idp')
    misbehave(server)
    expect(await watched.remote.refresh('idp')).toBe('failed')
    expect(watched.fetches).toEqual(['idp ok', 'idp error'])
    expect(watched.warnings[0]).toMatch(message)
    expect(watched.remote.sets().map(kids)).toEqual([['one']])
    expect(watched.pushed).toHaveLength(1)
  })

  it('when the issuer withdrew every key, which is believed', async () => {
    const server = await serve()
    server.keys = [one.jwk]
    const { remote, pushed, fetches } = watch({ issuer: server.url }, { cooldownSeconds: 0 })
    await remote.refresh('idp')
    server.keys = []
    expect(await remote.refresh('idp')).toBe('failed')
    expect(pushed.map(kids)).toEqual([['one'], []])
    expect(fetches).toEqual(['idp ok', 'idp error'])
  })

  it('without a request when http is discovered and only https is accepted', async () => {
    const tls = await certificate()
    const [secure, plain] = [await serve(tls), await serve()]
    plain.keys = [one.jwk]
    secure.discovery['jwks_uri'] = `${plain.url}/keys`
    const { remote, warnings } = watch({
      issuer: secure.url,
      ca: tls.certificate,
      allowsHttp: false,
    })
    expect(await remote.refresh('idp')).toBe('failed')
    expect(warnings[0]).toMatch(/not an https address/)
    expect(plain.fetches).toBe(0)
  })
})
