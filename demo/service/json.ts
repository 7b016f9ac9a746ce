import type { ServerResponse } from 'node:http'
import { z } from 'zod'

/** Answers with `value` as JSON, or with 204 and no body when it is undefined. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (value === undefined) return void response.writeHead(204).end()
  const body = JSON.stringify(value)
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
}

/** A fault of the caller; the answer is 400 with the message. */
export class BadCall extends Error {}

/**
 * Reads a whole body as text. A body beyond `maxBytes` is also read to its end, so that the answer
 * reaches a client that writes first.
 *
 * @throws {BadCall} for a body beyond `maxBytes`
 */
export async function readText(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size <= maxBytes) chunks.push(chunk)
  }
  if (size > maxBytes) throw new BadCall(`body over ${maxBytes} bytes`)
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * Parses JSON text; an empty text is an empty object.
 *
 * @throws {BadCall} when the text is not JSON
 */
export function parseJson(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text)
  } catch (cause) {
    throw new BadCall('body is not JSON', { cause })
  }
}

/** @throws {BadCall} with every problem of `body` */
export function parseCall<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw new BadCall(z.prettifyError(parsed.error))
  return parsed.data
}
