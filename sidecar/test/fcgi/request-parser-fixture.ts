import { expect } from 'vitest'
import { type AuthorizerRequest, RequestParser } from '../../src/fcgi/request-parser.ts'
import { authorizerRequest } from './encode-fixture.ts'

export const MAX_PARAMS_BYTES = 2_000

/** A request, and its outcome. */
export const GREETING: Buffer = authorizerRequest([['A', '1']])
export const READ: readonly string[] = ['request 1 A=1']

export type Row = readonly [title: string, records: readonly Buffer[], expected: readonly string[]]

/**
 * The parser's outcomes for `chunks`, as text. Each chunk is overwritten after it is taken, and
 * params are read at the very end, so that nothing may depend on the bytes of a chunk. Kept
 * connections are released at once.
 */
export function outcomes(chunks: readonly Buffer[]): string[] {
  const parser = new RequestParser(MAX_PARAMS_BYTES)
  const seen: (() => string)[] = []
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk)
    parser.feed(lent)
    const last = drain(parser, seen)
    lent.fill(0xff)
    if (last !== 'need-more') return [...seen.map((text) => text()), last]
  }
  return seen.map((text) => text())
}

function drain(parser: RequestParser, seen: (() => string)[]): string {
  for (;;) {
    const outcome = parser.next()
    switch (outcome.kind) {
      case 'protocol-error':
        expect(parser.next()).toEqual(outcome)
        return outcome.error
      case 'management':
        seen.push(() => `management ${outcome.reply.toString('latin1')}`)
        break
      case 'request':
        seen.push(() => described(outcome.request))
        if (outcome.request.keepConnection) parser.release()
        break
      default:
        return outcome.kind
    }
  }
}

function described({ id, keepConnection, params }: AuthorizerRequest): string {
  return `request ${id}${keepConnection ? ' keep' : ''} A=${params.get('A')}`
}

export function bytewise(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]))
}

/**
 * The different outcomes of `bytes` whole, byte by byte, and split in two at every place; a single
 * outcome when the chunks make no difference.
 */
export function outcomesOfEverySplit(bytes: Buffer): string[][] {
  const splits = Array.from({ length: bytes.length + 1 }, (_, at) => [
    bytes.subarray(0, at),
    bytes.subarray(at),
  ])
  const all = [[bytes], bytewise(bytes), ...splits].map(outcomes)
  return [...new Map(all.map((seen) => [JSON.stringify(seen), seen])).values()]
}
