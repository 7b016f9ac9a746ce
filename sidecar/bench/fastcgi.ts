import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createNodeFastCgi } from 'node-fastcgi'
import { createAuthorizerServer } from '../src/fcgi/server.ts'
import { authorizerRequest, type Pairs, ROLE, record, TYPE } from '../test/fcgi/encode-fixture.ts'
import { alternate } from './alternate.ts'

const REQUESTS = 2000

/**
 * The parameters that lighttpd sends for a usual request: about forty, with a token of 900 bytes.
 */
const PARAMS: Pairs = [
  ['HTTP_AUTHORIZATION', `Bearer ${'x'.repeat(900)}`],
  ['BRICKGATE_TARGET', '/api/2.1/clusters/list'],
  ...Array.from({ length: 40 }, (_, at): [string, string] => [`HTTP_X_${at}`, 'some value']),
]

/**
 * CPU time per request of our codec against node-fastcgi, over unix sockets with a connection per
 * request, as lighttpd makes them. The client shares the process, so its part is in both figures.
 */
export async function benchFastCgi(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'brickgate-bench-'))
  const ours = createAuthorizerServer({
    answer: async () => ({
      status: 200,
      headers: [['Variable-BRICKGATE_USER', 'alice']],
      body: '',
    }),
    observer: { protocolError: () => undefined, failure: () => undefined },
    limits: { maxParamsBytes: 65_536, paramsTimeoutMs: 5000 },
  })
  const theirs = createNodeFastCgi((_request, response) => {
    response.setHeader('Variable-BRICKGATE_USER', 'alice')
    response.end()
  })
  const ourPath = await listen(ours, join(directory, 'ours.sock'))
  const theirPath = await listen(theirs, join(directory, 'theirs.sock'))
  const asAuthorizer = authorizerRequest(PARAMS)
  const asResponder = Buffer.concat([
    authorizerRequest(PARAMS, { role: ROLE.RESPONDER }),
    record(TYPE.STDIN),
  ])
  await alternate(
    'CPU of a FastCGI request and its client',
    { name: 'our codec', run: () => cpuOfRequest(ourPath, asAuthorizer) },
    { name: 'node-fastcgi', run: () => cpuOfRequest(theirPath, asResponder) },
  )
  ours.close()
  theirs.close()
  rmSync(directory, { recursive: true })
}

async function cpuOfRequest(path: string, request: Buffer): Promise<number> {
  const before = process.cpuUsage()
  for (let sent = 0; sent < REQUESTS; sent++) await exchange(path, request)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / REQUESTS
}

function exchange(path: string, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(request))
    socket.once('error', reject)
    socket.once('close', () => resolve())
    socket.resume()
  })
}

function listen(server: Server, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => resolve(path))
  })
}
