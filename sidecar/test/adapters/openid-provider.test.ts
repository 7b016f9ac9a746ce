import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createOpenIdProvider, type OpenIdClient } from '../../src/adapters/openid-provider.ts'

const LIMIT_MS = 5000
const SLACK_MS = 2500

it('a provider whose handshake never ends is unavailable in time, and its connection is closed', async () => {
  const { url, connection } = await silentServer()
  const failures: string[] = []
  const provider = createOpenIdProvider(clientAt(url), (operation) => failures.push(operation))
  const startedMs = performance.now()
  const closed = connection.then((socket) => once(socket, 'close'))

  expect(await provider.refresh('token')).toEqual({ ok: false, failure: 'unavailable' })
  expect(performance.now() - startedMs).toBeLessThan(LIMIT_MS + SLACK_MS)
  await closed
  expect(performance.now() - startedMs).toBeLessThan(LIMIT_MS + SLACK_MS)
  expect(failures).toEqual(['refreshing a token'])
})

/** Accepts connections and never writes a byte. */
async function silentServer(): Promise<{
  readonly url: string
  readonly connection: Promise<Socket>
}> {
  const { promise: connection, resolve } = Promise.withResolvers<Socket>()
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.resume() // or its end goes unread
    onTestFinished(() => void socket.destroy())
    resolve(socket)
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  // `listen` with a port makes it an address
  const { port } = server.address() as AddressInfo
  return { url: `https://127.0.0.1:${port}`, connection }
}

function clientAt(issuer: string): OpenIdClient {
  return {
    issuerUrl: issuer,
    clientId: 'brickgate',
    clientSecret: 'secret',
    authentication: 'client_secret_basic',
    scopes: ['openid'],
    resource: null,
    ca: null,
    publicOrigins: { internal: 'https://in.example.com', external: 'https://out.example.com' },
  }
}
