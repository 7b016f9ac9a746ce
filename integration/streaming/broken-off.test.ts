import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:https'
import { buffer } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectHttp2 } from '../edge/http2-client.ts'
import { startOwnGate } from '../edge/own-gate.ts'
import {
  COMBINATIONS,
  type RawFixture,
  startRawFixture,
  stopRawFixture,
} from '../edge/raw-fixture.ts'
import type { Listener } from '../harness/answer.ts'
import type { Gate } from '../harness/gate.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const CHUNK = `10000\r\n${'x'.repeat(65_536)}\r\n`
const CHUNKS = 40
/**
 * until a client has the beginning: lighttpd below 1.4.83 takes what breaks off before for whole
 */
const UNDER_WAY_MS = 500

/** The status of a whole answer, or how the client knows that it is not whole. */
type Outcome = string

let fixture: RawFixture

beforeAll(async () => {
  fixture = await startRawFixture()
})

afterAll(() => stopRawFixture(fixture))

describe.each(COMBINATIONS)(
  'a chunked answer of 40 x 64 KiB without its last chunk, lighttpd $of with HAProxy $by',
  ({ tested, haproxy, speaksHttp2 }) => {
    let gate: Gate

    beforeAll(async () => {
      const { settings } = fixture.workspace
      gate = await startOwnGate(fixture.stack.info, {
        tested,
        haproxy,
        egress: 'own',
        environment: settings,
      })
    })

    afterAll(() => gate.stop())

    it('clients get HTTP/2, or else HTTP/1.1, whatever they offer', async () => {
      fixture.workspace.answer = (socket) =>
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      const { protocol, outcome } = await curl('--http2')
      expect({ protocol, outcome }).toEqual({
        protocol: speaksHttp2 ? '2' : '1.1',
        outcome: 'exit 0',
      })
    })

    it.each([
      ['closes', (socket: TLSSocket) => socket.end()],
      [
        'resets',
        (socket: TLSSocket) => void setTimeout(() => fixture.workspace.reset(socket), UNDER_WAY_MS),
      ],
    ])(
      'a chunked answer without its last chunk is an error for each client when the workspace %s',
      async (_, breakOff) => {
        fixture.workspace.answer = (socket) => {
          socket.write(chunked(CHUNKS), 'latin1', () => breakOff(socket))
        }
        expectErrors(await Promise.all(clients()))
      },
    )

    it('a chunked answer without its last chunk is an error for each client when the egress dies', async () => {
      const before = fixture.workspace.requests.length
      fixture.workspace.answer = (socket) => socket.write(chunked(CHUNKS / 2), 'latin1')
      const outcomes = clients()
      await expect.poll(() => fixture.workspace.requests.length - before).toBe(outcomes.length)
      process.kill(gate.egressPid, 'SIGKILL')
      expectErrors(await Promise.all(outcomes))
    })

    function clients(): readonly Promise<Outcome>[] {
      const outcomeOf = async (version: string) => (await curl(version)).outcome
      return [
        sendHttp1(gate.listener()),
        outcomeOf('--http1.1'),
        outcomeOf('--http2'), // HTTP/1.1 where there is no other
        ...(speaksHttp2 ? [sendHttp2(gate.listener())] : []),
      ]
    }

    /** A reset may overtake the whole answer, which then is one of the egress: 502. */
    function expectErrors(outcomes: readonly Outcome[]): void {
      const curlOverHttp2 = speaksHttp2 ? /^exit (92|22)$/ : /^exit (18|22)$/
      expect(outcomes).toEqual([
        expect.stringMatching(/^(aborted|status 502)$/),
        expect.stringMatching(/^exit (18|22)$/),
        expect.stringMatching(curlOverHttp2),
        ...(speaksHttp2 ? [expect.stringMatching(/^(ERR_HTTP2_STREAM_ERROR|status 502)$/)] : []),
      ])
    }

    async function curl(version: string): Promise<{ protocol: string; outcome: Outcome }> {
      const url = `https://localhost:${gate.listener().port}${CLUSTERS}`
      const quietly = [
        '--silent',
        '--fail',
        '--output',
        '/dev/null',
        '--write-out',
        '%{http_version}',
      ]
      const trusted = [
        '--cacert',
        fixture.stack.info.demo.pki.ca,
        '--header',
        `Authorization: ${fixture.credential}`,
      ]
      const process = spawn('curl', [version, '--max-time', '30', ...quietly, ...trusted, url])
      const [protocol, [code]] = await Promise.all([buffer(process.stdout), once(process, 'close')])
      return { protocol: protocol.toString(), outcome: `exit ${code}` }
    }
  },
)

function chunked(count: number): string {
  return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNK.repeat(count)}`
}

function sendHttp1({ port, ca }: Listener): Promise<Outcome> {
  return new Promise((resolve) => {
    const headers = { authorization: fixture.credential }
    const sent = request(
      {
        host: '127.0.0.1',
        servername: 'localhost',
        port,
        ca,
        path: CLUSTERS,
        headers,
        agent: false,
      },
      (answer) => {
        buffer(answer).then(
          () => resolve(`status ${answer.statusCode}`),
          (error: Error) => resolve(error.message),
        )
      },
    )
    sent.on('error', (error) => resolve(error.message))
    sent.end()
  })
}

async function sendHttp2(to: Listener): Promise<Outcome> {
  const client = await connectHttp2(to)
  try {
    const { status } = await client.sendRequest({
      ':path': CLUSTERS,
      authorization: fixture.credential,
    })
    return `status ${status}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  } finally {
    client.close()
  }
}
