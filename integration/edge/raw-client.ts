import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { Answer } from '../harness/answer.ts'

/** Sends requests as they are written, one after another, on one connection as long as it lasts. */
export interface RawClient {
  /**
   * @param bytes a whole request, a char for each byte
   * @throws when there is no whole answer
   */
  sendRequest(bytes: string): Promise<Answer>
  close(): void
}

const WITHIN_MS = 30_000

/** @param open opens the next connection, such as `openRaw` */
export function createRawClient(open: () => Promise<Socket>): RawClient {
  let connection: Socket | null = null

  async function connect(): Promise<Socket> {
    const socket = await open()
    socket.setTimeout(WITHIN_MS, () => socket.destroy())
    return socket.on('error', () => undefined) // a 'close' follows
  }

  return {
    async sendRequest(bytes) {
      const kept = connection?.destroyed === false ? connection : null
      connection = kept ?? (await connect())
      connection.write(bytes, 'latin1')
      const answer = await readAnswer(connection)
      if (answer?.headers.connection === 'close') connection.destroy()
      if (answer !== null) return answer
      // A connection that was kept may have been about to close.
      if (kept !== null) return this.sendRequest(bytes)
      throw new Error(`no answer to ${JSON.stringify(bytes.slice(0, 200))}`)
    },
    close: () => connection?.destroy(),
  }
}

/** Sends one request on a connection of its own. */
export async function sendOnce(open: () => Promise<Socket>, bytes: string): Promise<Answer> {
  const client = createRawClient(open)
  try {
    return await client.sendRequest(bytes)
  } finally {
    client.close()
  }
}

/** @returns null when the connection closed before the first byte; rejects when it closed later */
function readAnswer(socket: Socket): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    let received = ''
    const finish = (settle: () => void): void => {
      socket.off('data', take).off('close', end)
      settle()
    }
    const take = (chunk: Buffer): void => {
      received += chunk.toString('latin1')
      const answer = parseAnswer(received)
      if (answer !== null) finish(() => resolve(answer))
    }
    const end = (): void => {
      socket.destroy()
      const answer = parseAnswer(received, true)
      if (received === '' || answer !== null) finish(() => resolve(answer))
      else finish(() => reject(new Error(`half an answer: ${received.slice(0, 500)}`)))
    }
    socket.on('data', take).once('close', end)
  })
}

/**
 * @param isWhole whether no more will come
 * @returns null while the answer is incomplete
 */
function parseAnswer(text: string, isWhole: boolean = false): Answer | null {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return null
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const status = Number(statusLine.split(' ')[1])
  const rest = text.slice(end + 4)
  if (status < 200) return parseAnswer(rest, isWhole)
  const headers = collect(lines)
  const body = readBody(headers, rest, isWhole)
  return body === null ? null : { status, headers, body: Buffer.from(body, 'latin1').toString() }
}

function collect(lines: readonly string[]): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const known = headers[name]
    if (name === 'set-cookie') headers[name] = [...(headers[name] ?? []), value]
    else headers[name] = known === undefined ? value : `${String(known)}, ${value}`
  }
  return headers
}

function readBody(headers: IncomingHttpHeaders, rest: string, isWhole: boolean): string | null {
  if (headers['transfer-encoding'] === 'chunked') return joinChunks(rest)
  const length = headers['content-length']
  if (length !== undefined) return rest.length < Number(length) ? null : rest
  return isWhole ? rest : null
}

function joinChunks(rest: string): string | null {
  let body = ''
  for (let at = 0; ; ) {
    const eol = rest.indexOf('\r\n', at)
    const size = eol < 0 ? Number.NaN : Number.parseInt(rest.slice(at, eol), 16)
    if (Number.isNaN(size) || rest.length < eol + size + 4) return null
    if (size === 0) return body
    body += rest.slice(eol + 2, eol + 2 + size)
    at = eol + size + 4
  }
}
