import { once } from 'node:events'
import { setImmediate as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Connection } from '../../src/fcgi/connection.ts'
import type { Reply } from '../../src/fcgi/reply.ts'
import type { ProtocolErrorKind } from '../../src/fcgi/request-parser.ts'
import { decodeReplies } from './decode-fixture.ts'
import {
  authorizerRequest,
  beginRequest,
  paramsRecords,
  ROLE,
  record,
  TYPE,
} from './encode-fixture.ts'
import { type Client, connect, exchange, type Serving, serve } from './server-fixture.ts'

const ALLOW: Reply = { status: 200, headers: [], body: '' }
const ALLOWED = [{ id: 1, status: 200, headers: [], body: '' }]
const REQUEST = authorizerRequest([['A', '1']])
const KEPT = authorizerRequest([['A', '1']], { flags: 1 })

const never = new Promise<never>(() => {})
const allow = async (): Promise<Reply> => ALLOW

/** An answer that waits for the test. */
function held(): { answer: () => Promise<Reply>; asked: Promise<void>; release(): void } {
  const asked = Promise.withResolvers<void>()
  const reply = Promise.withResolvers<Reply>()
  const answer = (): Promise<Reply> => {
    asked.resolve()
    return reply.promise
  }
  return { answer, asked: asked.promise, release: () => reply.resolve(ALLOW) }
}

async function allClosed({ sockets }: Serving): Promise<void> {
  while (sockets.some((socket) => !socket.closed)) await pause()
}

describe('a peer that breaks the protocol', () => {
  const rows: readonly [title: string, bytes: Buffer, kind: ProtocolErrorKind][] = [
    ['speaks HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 'bad-version'],
    ['asks for a RESPONDER', beginRequest({ role: ROLE.RESPONDER }), 'unknown-role'],
    ['sends PARAMS of no request', paramsRecords([]), 'unexpected-record'],
    ['sends a short BEGIN_REQUEST', record(TYPE.BEGIN_REQUEST, '\0\x02'), 'bad-record'],
    ['sends half a pair', authorizerRequest(Buffer.from([1])), 'malformed-params'],
    ['sends too many params', authorizerRequest(Buffer.alloc(2_001)), 'params-too-large'],
    ['begins a second request', Buffer.concat([REQUEST, beginRequest({ id: 2 })]), 'multiplexed'],
    ['pipelines on a kept connection', Buffer.concat([KEPT, KEPT]), 'multiplexed'],
  ]
  it.each(rows)('gets a closed socket and no byte: %s', async (_, bytes, kind) => {
    const serving = await serve(allow)
    const client = connect(serving.path)
    client.socket.write(bytes)
    expect(await client.ended).toEqual(Buffer.alloc(0))
    expect(serving.sockets[0]?.destroyed).toBe(true) // not half-closed
    expect(serving.protocolErrors).toEqual([kind])
    expect(decodeReplies(await exchange(serving.path, REQUEST))).toEqual(ALLOWED)
  })

  it('gets no byte and is counted when it ends anywhere before the end of params', async () => {
    const serving = await serve(allow)
    for (let end = 1; end < REQUEST.length; end++) {
      expect(await exchange(serving.path, REQUEST.subarray(0, end))).toEqual(Buffer.alloc(0))
    }
    expect(serving.protocolErrors).toEqual(Array(REQUEST.length - 1).fill('ended-early'))
  })

  it('is not who connects and leaves', async () => {
    const serving = await serve(allow)
    expect(await exchange(serving.path, Buffer.alloc(0))).toEqual(Buffer.alloc(0))
    expect(serving.protocolErrors).toEqual([])
  })

  it('or sends any bytes gets whole replies or nothing, and leaves the server alive', async () => {
    const serving = await serve(allow)
    const parts = fc.oneof(
      fc.constantFrom(REQUEST, KEPT, beginRequest(), paramsRecords([]), record(TYPE.STDIN, 'x')),
      fc
        .tuple(fc.nat(13), fc.nat(2))
        .map(([type, id]) => record(type, '\0\x02\0\0\0\0\0\0', { id })),
      fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(parts, { maxLength: 6 }), async (bytes) => {
        const replies = decodeReplies(await exchange(serving.path, Buffer.concat(bytes)))
        expect(replies.every(({ status, body }) => status === 200 && body === '')).toBe(true)
      }),
      { numRuns: 200 },
    )
    expect(serving.failures).toEqual([])
  })
})

describe('a client that leaves', () => {
  it('by ABORT_REQUEST gets nothing, and the answer is dropped', async () => {
    const { answer, asked, release } = held()
    const serving = await serve(answer)
    const client = connect(serving.path)
    client.socket.write(REQUEST)
    await asked
    client.socket.write(record(TYPE.ABORT_REQUEST))
    await allClosed(serving)
    release()
    expect(await client.ended).toEqual(Buffer.alloc(0))
    expect(serving.sockets[0]?.bytesWritten).toBe(0)
    expect(serving.protocolErrors).toEqual([])
  })

  it('by closing while it is answered harms nobody', async () => {
    const { answer, asked, release } = held()
    const serving = await serve(answer)
    const client = connect(serving.path)
    client.socket.write(REQUEST)
    await asked
    client.socket.destroy()
    release()
    await allClosed(serving)
    expect(decodeReplies(await exchange(serving.path, REQUEST))).toEqual(ALLOWED)
    expect([serving.protocolErrors, serving.failures]).toEqual([[], []])
  })

  const resets: readonly [title: string, sent: Buffer, kinds: readonly ProtocolErrorKind[]][] = [
    ['inside a request is counted', beginRequest(), ['ended-early']],
    ['between requests is not', Buffer.alloc(0), []],
    ['while it is answered is not', REQUEST, []],
  ]
  it.each(resets)('by a reset %s', async (_, sent, kinds) => {
    const serving = await serve(() => never)
    const client = connect(serving.path)
    client.socket.pause()
    client.socket.write(Buffer.concat([sent, record(99, '', { id: 0 })]))
    while (!serving.sockets[0]?.bytesWritten) await pause()
    const error = once(serving.sockets[0], 'error')
    client.socket.destroy() // with unread bytes: the kernel resets instead of ending
    expect(await error).toMatchObject([{ code: 'ECONNRESET' }])
    expect(serving.protocolErrors).toEqual(kinds)
  })
})

describe('a client that does not read', () => {
  it('gets a large reply whole once it reads', async () => {
    const body = 'x'.repeat(5_000_000)
    const serving = await serve(async () => ({ ...ALLOW, body }))
    const client = connect(serving.path)
    client.socket.pause()
    client.socket.end(REQUEST)
    while (!serving.sockets[0]?.writableLength) await pause()
    client.socket.resume()
    expect(decodeReplies(await client.ended)[0]?.body).toBe(body)
  })

  it('is not read from, so that what waits for it stays bounded', async () => {
    const serving = await serve(allow)
    const client = connect(serving.path)
    client.socket.pause()
    const unknown = Buffer.concat(Array(20_000).fill(record(99, '', { id: 0 })))
    for (let i = 0; i < 10; i++) client.socket.write(unknown)
    while (!serving.sockets[0]?.isPaused()) await pause()
    for (let i = 0; i < 1_000; i++) await pause()
    expect(client.socket.writableLength).toBeGreaterThan(1_000_000)
    expect(serving.sockets[0]?.writableLength).toBeLessThan(500_000)
    client.socket.resume()
    expect(await client.until(200_000 * 16)).toHaveLength(200_000 * 16)
  })

  it('gets a reply behind what waits for it, and its end is seen', async () => {
    const { answer, asked, release } = held()
    const serving = await serve(answer)
    const client = connect(serving.path)
    client.socket.pause()
    client.socket.write(REQUEST)
    await asked
    const unknown = Buffer.concat(Array(50_000).fill(record(99, '', { id: 0 })))
    client.socket.end(unknown)
    while (!serving.sockets[0]?.isPaused()) await pause()
    release()
    await pause()
    client.socket.resume()
    expect(decodeReplies(await client.ended)).toEqual(ALLOWED)
    await allClosed(serving)
    expect(serving.protocolErrors).toEqual([])
  })
})

describe('a timeout', () => {
  const TIMEOUT_MS = 1_000

  /** A server whose timer the test advances; sockets stay real. */
  async function serveStepped(answer: () => Promise<Reply>): Promise<Serving> {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    return serve(answer, { paramsTimeoutMs: TIMEOUT_MS })
  }

  async function connectSending(serving: Serving, bytes: Buffer): Promise<Client> {
    const client = connect(serving.path)
    client.socket.write(bytes)
    await client.roundTrip()
    return client
  }

  const rows: readonly [title: string, bytes: Buffer, kinds: readonly ProtocolErrorKind[]][] = [
    ['a silent connection', Buffer.alloc(0), ['params-timeout']],
    ['params that do not end', beginRequest(), ['params-timeout']],
    ['an idle kept connection, uncounted', KEPT, []],
  ]
  it.each(rows)('ends %s, and not before its time', async (_, bytes, kinds) => {
    const serving = await serveStepped(allow)
    const client = await connectSending(serving, bytes)
    vi.advanceTimersByTime(TIMEOUT_MS)
    await client.roundTrip()
    expect(serving.sockets[0]?.destroyed).toBe(false)
    vi.advanceTimersByTime(TIMEOUT_MS / 4)
    await client.ended
    expect(serving.protocolErrors).toEqual(kinds)
  })

  it('ends a kept connection inside its next request', async () => {
    const serving = await serveStepped(allow)
    const client = await connectSending(serving, KEPT)
    client.socket.write(beginRequest())
    await client.roundTrip()
    vi.advanceTimersByTime(2 * TIMEOUT_MS)
    await client.ended
    expect(serving.protocolErrors).toEqual(['params-timeout'])
  })

  it('is not put off by bytes that go on', async () => {
    const serving = await serveStepped(allow)
    const client = await connectSending(serving, beginRequest())
    for (let i = 0; i < 5; i++) {
      client.socket.write(record(TYPE.STDIN, 'x'))
      await client.roundTrip()
      vi.advanceTimersByTime(TIMEOUT_MS / 4)
    }
    await client.ended
    expect(serving.protocolErrors).toEqual(['params-timeout'])
  })

  it('does not run while a request is answered, and starts anew after it', async () => {
    const { answer, asked, release } = held()
    const serving = await serveStepped(answer)
    const client = await connectSending(serving, beginRequest({ flags: 1 }))
    vi.advanceTimersByTime(TIMEOUT_MS)
    client.socket.write(paramsRecords([]))
    await asked
    vi.advanceTimersByTime(10 * TIMEOUT_MS)
    release()
    await client.roundTrip()
    vi.advanceTimersByTime(TIMEOUT_MS)
    await client.roundTrip()
    expect(decodeReplies(client.received())).toEqual(ALLOWED)
    expect(serving.protocolErrors).toEqual([])
  })

  it('concerns open connections of an open server only', async () => {
    const serving = await serveStepped(allow)
    await exchange(serving.path, REQUEST)
    await allClosed(serving)
    const tick = vi.spyOn(Connection.prototype, 'tick')
    vi.advanceTimersByTime(TIMEOUT_MS)
    expect(tick).not.toHaveBeenCalled()
    await new Promise((resolve) => serving.server.close(resolve))
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends a connection whose client reads nothing of its reply', async () => {
    const serving = await serveStepped(async () => ({ ...ALLOW, body: 'x'.repeat(5_000_000) }))
    const client = connect(serving.path)
    client.socket.pause()
    client.socket.write(REQUEST)
    while (!serving.sockets[0]?.writableLength) await pause()
    vi.advanceTimersByTime(2 * TIMEOUT_MS)
    await allClosed(serving)
    expect(serving.protocolErrors).toEqual(['reply-timeout'])
  })

  it('ends a connection whose client never closes after its reply, uncounted', async () => {
    const serving = await serveStepped(allow)
    const client = connect(serving.path)
    client.socket.write(REQUEST)
    expect(decodeReplies(await client.ended)).toEqual(ALLOWED)
    expect(serving.sockets[0]?.closed).toBe(false)
    vi.advanceTimersByTime(2 * TIMEOUT_MS)
    await allClosed(serving)
    expect(serving.protocolErrors).toEqual([])
  })
})
