import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { connect, type TLSSocket } from 'node:tls'
import { createTemporaryPki } from '../pki/temporary-pki.ts'
import { callControl } from '../service/call-control.ts'
import type { AcceptedCredentials } from './credential-check.ts'
import type { RecordedRequest } from './request-log.ts'
import { createSimulator, type Simulator } from './simulator.ts'

export const WORKSPACE = 'adb-1234567890123456.7.azuredatabricks.net'
export const PERSONAL_ACCESS_TOKEN = 'dapi0123456789abcdef'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Call {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** A simulator for one test file, and how to speak to it. */
export interface SimulatorFixture {
  readonly simulator: Simulator
  /** options that reach it by TLS with its name verified */
  readonly tls: {
    readonly host: string
    readonly port: number
    readonly servername: string
    readonly ca: string
  }
  /** sends a request with the personal access token, unless `headers` names another credential */
  send(path: string, call?: Call): Promise<Answer>
  /**
   * sends bytes on a connection of their own.
   *
   * @returns all bytes until the simulator closed the connection
   */
  sendRaw(bytes: string): Promise<string>
  /** `callControl` for a path under `/__sim/` */
  control<T = null>(method: string, path: string, body?: unknown): Promise<T>
  newest(): RecordedRequest
  close(): Promise<void>
}

const ANY_JWT: AcceptedCredentials = {
  personalAccessToken: PERSONAL_ACCESS_TOKEN,
  trustedIssuer: null,
}

export async function startSimulator(
  accepted: AcceptedCredentials = ANY_JWT,
): Promise<SimulatorFixture> {
  const pki = await createTemporaryPki({ workspace: [WORKSPACE] })
  const options = { port: 0, controlPort: 0, workspaceId: '1234567890123456', accepted }
  const simulator = await createSimulator({ ...(await pki.load('workspace')), ...options })
  const port = Number(new URL(simulator.url).port)
  const tls = { host: '127.0.0.1', port, servername: WORKSPACE, ca: pki.ca }
  const agent = new Agent({ keepAlive: true, ...tls })
  return {
    simulator,
    tls,
    send: (path, call = {}) => send(agent, path, call),
    sendRaw: (bytes) => sendRaw(connect(tls), bytes),
    control: (method, path, body) =>
      callControl(fetch, { method, address: `${simulator.controlUrl}/__sim/${path}`, body }),
    newest() {
      const request = simulator.log.list().at(-1)
      if (request === undefined) throw new Error('no request was recorded')
      return request
    },
    async close() {
      agent.destroy()
      await simulator.close()
      await pki.remove()
    },
  }
}

async function send(agent: Agent, path: string, call: Call): Promise<Answer> {
  const { method = 'GET', body = '' } = call
  const defaults = { authorization: `Bearer ${PERSONAL_ACCESS_TOKEN}` }
  const headers = { ...defaults, 'content-length': Buffer.byteLength(body), ...call.headers }
  const sent = request({ ...agent.options, agent, path, method, headers })
  sent.end(body)
  const [response] = await once(sent, 'response')
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) }
}

async function sendRaw(socket: TLSSocket, bytes: string): Promise<string> {
  socket.write(Buffer.from(bytes, 'latin1'))
  return (await buffer(socket)).toString('latin1')
}
