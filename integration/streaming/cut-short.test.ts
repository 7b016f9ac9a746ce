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
import { requestText } from '../edge/requests.ts'
import { openRaw } from '../harness/answer.ts'
import type { Gate } from '../harness/gate.ts'

const CLUSTERS = '/api/2.1/clusters/list'
const KIB = 1024
const MIB = KIB * KIB
const AT_ONCE_MS = 2000
/** `arrives` of the `length` that the answer promises */
const CUT = [
  { of: '100 of 1,000 bytes', arrives: 100, length: 1000 },
  { of: '0 of 1,000 bytes', arrives: 0, length: 1000 },
  { of: '47 of 48 KiB', arrives: 47 * KIB, length: 48 * KIB },
  { of: '1 of 4 MiB', arrives: MIB, length: 4 * MIB },
]
/** The largest is one that the egress does not wait for. */
const WHOLE = [
  { of: '0 bytes', length: 0 },
  { of: '1,000 bytes', length: 1000 },
  { of: '48 KiB', length: 48 * KIB },
  { of: '500 KiB', length: 500 * KIB },
]
let fixture: RawFixture

beforeAll(async () => {
  fixture = await startRawFixture()
})

afterAll(() => stopRawFixture(fixture))

describe.each(COMBINATIONS)(
  'an answer with a Content-Length, lighttpd $of with HAProxy $by',
  ({ tested, haproxy, speaksHttp2 }) => {
    let gate: Gate
    beforeAll(async () => {
      const environment = fixture.workspace.settings
      gate = await startOwnGate(fixture.stack.info, { tested, haproxy, egress: 'own', environment })
    })
    afterAll(() => gate.stop())

    it.each(CUT)(
      'an answer with a Content-Length that ends after $of ends the client’s connection at once, with all bytes that came',
      async ({ arrives, length }) => {
        for (const pauseMs of [0, 150]) {
          const endedMs = answerWith(length, arrives, (socket) => socket.end(), pauseMs)
          const { head, bytes, atMs } = await readUntilClosed()
          expect(head).toMatch(/^HTTP\/1\.1 200 /)
          expect(bytes).toBe(arrives)
          expect(atMs - (await endedMs)).toBeLessThan(AT_ONCE_MS)
        }
      },
    )

    it.each(CUT)(
      'an answer with a Content-Length that is reset after $of ends the client’s connection at once',
      async ({ arrives, length }) => {
        const endedMs = answerWith(
          length,
          arrives,
          (socket) => fixture.workspace.reset(socket),
          150,
        )
        const { head, bytes, atMs } = await readUntilClosed()
        expect(bytes).toBeLessThan(length)
        expect(head).toMatch(/^HTTP\/1\.1 (200|502) /)
        expect(atMs - (await endedMs)).toBeLessThan(AT_ONCE_MS)
      },
    )

    it.each(WHOLE)(
      'an answer with a Content-Length of $of that is whole keeps the connection',
      async ({ length }) => {
        void answerWith(length, length, (socket) => socket.end(), 0)
        const socket = await openRaw(gate.listener())
        for (const method of ['GET', 'HEAD', 'GET']) {
          const { head, bytes } = await sendOn(socket, method, method === 'HEAD' ? 0 : length)
          expect(head).toMatch(/^HTTP\/1\.1 200 /)
          expect(head).not.toMatch(/^connection: close/im)
          expect(bytes).toBe(method === 'HEAD' ? 0 : length)
        }
        socket.destroy()
      },
    )

    it('an answer with a Content-Length of 4 MiB keeps the connection where the request is HEAD', async () => {
      void answerWith(4 * MIB, 0, (socket) => socket.end(), 0)
      const socket = await openRaw(gate.listener())
      for (const method of ['HEAD', 'HEAD']) {
        expect((await sendOn(socket, method, 0)).head).toMatch(/^HTTP\/1\.1 200 /)
      }
      socket.destroy()
    })

    it.skipIf(!speaksHttp2)(
      'an answer with a Content-Length of 4 MiB that is whole keeps the connection over HTTP/2',
      async () => {
        void answerWith(4 * MIB, 4 * MIB, (socket) => socket.end(), 0)
        const client = await connectHttp2(gate.listener())
        for (const _ of ['first', 'second']) {
          const { body } = await client.sendRequest({
            ':path': CLUSTERS,
            authorization: fixture.credential,
          })
          expect(body).toHaveLength(4 * MIB)
        }
        client.close()
      },
    )

    it.skipIf(!speaksHttp2).each(CUT)(
      'an answer with a Content-Length that ends after $of resets the stream over HTTP/2',
      async ({ arrives, length }) => {
        void answerWith(length, arrives, (socket) => socket.end(), 0)
        const client = await connectHttp2(gate.listener())
        const startedMs = performance.now()
        const answered = client.sendRequest({
          ':path': CLUSTERS,
          authorization: fixture.credential,
        })
        await expect(answered).rejects.toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' })
        expect(performance.now() - startedMs).toBeLessThan(AT_ONCE_MS)
        client.close()
      },
    )

    /** On a connection that the client would keep. */
    async function readUntilClosed(): Promise<{ head: string; bytes: number; atMs: number }> {
      const socket = await openRaw(gate.listener())
      const answer = await sendOn(socket, 'GET', Number.POSITIVE_INFINITY)
      socket.destroy()
      return { ...answer, atMs: performance.now() }
    }

    /** Reads until so many bytes of the body are there, or the connection is closed. */
    function sendOn(
      socket: TLSSocket,
      method: string,
      length: number,
    ): Promise<{ head: string; bytes: number }> {
      return new Promise((resolve) => {
        let text = ''
        const done = (): void => {
          socket.off('data', read).off('close', done)
          resolve({ head: headOf(text), bytes: text.length - headOf(text).length })
        }
        const read = (bytes: Buffer): void => {
          text += bytes.toString('latin1')
          const head = headOf(text)
          if (head !== '' && text.length - head.length >= length) done()
        }
        socket.on('data', read).once('close', done)
        socket.write(requestText(CLUSTERS, [`Authorization: ${fixture.credential}`], method))
      })
    }
  },
)

function headOf(text: string): string {
  const end = text.indexOf('\r\n\r\n')
  return end < 0 ? '' : text.slice(0, end + 4)
}

/**
 * Has the workspace answer with a part of what it promises.
 *
 * @returns when it then ended the answer, by `performance.now()`
 */
function answerWith(
  length: number,
  arrives: number,
  end: (socket: TLSSocket) => void,
  pauseMs: number,
): Promise<number> {
  return new Promise((resolve) => {
    fixture.workspace.answer = (socket) => {
      const head = `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`
      const isHead = fixture.workspace.requests.at(-1)?.startsWith('HEAD') === true
      socket.write(head + 'x'.repeat(isHead ? 0 : arrives), 'latin1', () =>
        setTimeout(() => {
          resolve(performance.now())
          end(socket)
        }, pauseMs),
      )
    }
  })
}
