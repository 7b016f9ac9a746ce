import { setImmediate as pause, setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Params } from '../../src/fcgi/params.ts'
import { encodeReply, type Reply } from '../../src/fcgi/reply.ts'
import { decodeReplies } from './decode-fixture.ts'
import { authorizerRequest, record, TYPE } from './encode-fixture.ts'
import { connect, exchange, serve } from './server-fixture.ts'

const echo = async (params: Params): Promise<Reply> => ({
  status: 403,
  headers: [],
  body: `A=${params.get('A')}`,
})
const slowEcho = async (params: Params): Promise<Reply> => {
  await sleep(20)
  return echo(params)
}
const REQUEST = authorizerRequest([['A', '1']])
const REPLY_BYTES = encodeReply(1, { status: 403, headers: [], body: 'A=1' }).length
const REPLIED = { id: 1, status: 403, headers: [], body: 'A=1' }

describe('a request', () => {
  it('is answered and the connection ended while the client still holds its side open', async () => {
    const { path } = await serve(echo)
    const client = connect(path)
    client.socket.write(REQUEST)
    expect(decodeReplies(await client.ended)).toEqual([REPLIED])
  })

  it('is answered when the client has ended its side', async () => {
    const { path } = await serve(slowEcho)
    expect(decodeReplies(await exchange(path, REQUEST))).toEqual([REPLIED])
  })

  it('is answered when its bytes come one by one', async () => {
    const { path } = await serve(echo)
    const client = connect(path)
    for (const byte of REQUEST) {
      client.socket.write(Uint8Array.of(byte))
      await pause()
    }
    expect(decodeReplies(await client.ended)).toEqual([REPLIED])
  })

  it('is answered while the client goes on sending STDIN that never ends', async () => {
    const { path, protocolErrors } = await serve(echo)
    const client = connect(path)
    client.socket.write(REQUEST)
    for (let i = 0; i < 50; i++) client.socket.write(record(TYPE.STDIN, Buffer.alloc(65_535)))
    expect(decodeReplies(await client.ended)).toEqual([REPLIED])
    expect(protocolErrors).toEqual([])
  })

  it('is answered once, whatever the client sends after the reply', async () => {
    const { path, sockets, protocolErrors } = await serve(echo)
    const client = connect(path)
    client.socket.write(REQUEST)
    await client.ended
    client.socket.end(Buffer.concat([REQUEST, Buffer.from('garbage')]))
    while (!sockets[0]?.closed) await pause()
    expect(decodeReplies(client.received())).toEqual([REPLIED])
    expect(protocolErrors).toEqual([])
  })

  it('is answered beside others without taking their params', async () => {
    const { path } = await serve(async (params) => {
      await sleep(Math.random() * 20)
      return echo(params)
    })
    const ids = Array.from({ length: 200 }, (_, i) => i + 1)
    const replies = await Promise.all(
      ids.map((id) => exchange(path, authorizerRequest([['A', `${id}`]], { id }))),
    )
    const expected = ids.map((id) => [{ ...REPLIED, id, body: `A=${id}` }])
    expect(replies.map(decodeReplies)).toEqual(expected)
  })

  it('that is open finishes after the server was closed', async () => {
    const { server, path, sockets } = await serve((params) => {
      server.close()
      return slowEcho(params)
    })
    expect(decodeReplies(await exchange(path, REQUEST))).toEqual([REPLIED])
    expect(sockets).toHaveLength(1)
  })
})

describe('a kept connection', () => {
  const kept = (value: string, id = 1): Buffer =>
    authorizerRequest([['A', value]], { id, flags: 1 })

  it('carries one request after the other, with STDIN that comes late', async () => {
    const { path, protocolErrors } = await serve(echo)
    const client = connect(path)
    let expectedBytes = 0
    for (let id = 1; id <= 3; id++) {
      client.socket.write(kept('1', id))
      expectedBytes += REPLY_BYTES
      await client.until(expectedBytes)
      client.socket.write(record(TYPE.STDIN, '', { id }))
    }
    client.socket.end()
    expect(decodeReplies(await client.ended).map(({ id }) => id)).toEqual([1, 2, 3])
    expect(protocolErrors).toEqual([])
  })

  it('is ended after the last reply when the client has ended its side', async () => {
    const { path } = await serve(slowEcho)
    expect(decodeReplies(await exchange(path, kept('1')))).toEqual([REPLIED])
  })

  it('is closed after a request that does not keep it', async () => {
    const { path } = await serve(echo)
    const client = connect(path)
    client.socket.write(kept('1'))
    await client.until(REPLY_BYTES)
    client.socket.write(authorizerRequest([['A', '2']]))
    expect(decodeReplies(await client.ended).map(({ body }) => body)).toEqual(['A=1', 'A=2'])
  })
})

describe('a request whose answer fails', () => {
  const ok: Reply = { status: 200, headers: [], body: '' }
  const rows: readonly [title: string, answer: () => Promise<Reply>][] = [
    ['by rejecting', () => Promise.reject(new Error('secret detail'))],
    [
      'by throwing',
      () => {
        throw new Error('secret detail')
      },
    ],
    ['by rejecting with nothing', () => Promise.reject(undefined)],
    ['with CR LF in a header', async () => ({ ...ok, headers: [['X', 'a\r\nStatus: 200']] })],
    ['with a second Status', async () => ({ ...ok, status: 403, headers: [['Status', '200']] })],
    ['with status 103', async () => ({ ...ok, status: 103 })],
    ['with status NaN', async () => ({ ...ok, status: Number.NaN })],
    ['with no reply', async () => undefined as unknown as Reply],
    ['with no body', async () => ({ status: 200, headers: [] }) as unknown as Reply],
  ]
  it.each(rows)('%s gets a whole 500', async (_, answer) => {
    const { path, failures, protocolErrors } = await serve(answer)
    expect(decodeReplies(await exchange(path, REQUEST))).toEqual([
      {
        id: 1,
        status: 500,
        headers: ['Content-Type: application/json', 'Cache-Control: no-store'],
        body: '{"error_code":"INTERNAL_ERROR","message":"the gateway failed"}',
      },
    ])
    expect(failures).toHaveLength(1)
    expect(protocolErrors).toEqual([])
  })
})
