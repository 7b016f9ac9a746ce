import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server } from 'node:net'
import type { JWK } from 'jose'
import type { SelfSigned } from '../../support/self-signed.ts'

/** A real HTTP(S) server in the place of an identity provider; a test replaces what misbehaves. */
export interface IssuerServer {
  readonly url: string
  /** requests for the key set so far */
  fetches: number
  keys: readonly JWK[]
  /** answers instead, for either document */
  misbehave: ((request: IncomingMessage, response: ServerResponse) => void) | null
  discovery: Record<string, unknown>
  /** may be called again */
  close(): Promise<void>
}

export async function issuerServer(tls: SelfSigned | null): Promise<IssuerServer> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.url === '/keys') served.fetches += 1
    if (served.misbehave !== null) return served.misbehave(request, response)
    const document = request.url === '/keys' ? { keys: served.keys } : served.discovery
    response.end(JSON.stringify(document))
  }
  const server = tls
    ? createTlsServer({ cert: tls.certificate, key: await readFile(tls.keyFile) }, answer)
    : createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${portOf(server)}`
  const served: IssuerServer = {
    url,
    fetches: 0,
    keys: [],
    misbehave: null,
    discovery: { issuer: url, jwks_uri: `${url}/keys` },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return served
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not a TCP port')
  return address.port
}
