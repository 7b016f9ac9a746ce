import type { Socket } from 'node:net'
import { assertNever } from '../domain/assert-never.ts'
import { REASONS } from '../domain/reason.ts'
import type { Params } from './params.ts'
import { encodeReply, type Reply } from './reply.ts'
import {
  type AuthorizerRequest,
  type Outcome,
  type ProtocolErrorKind,
  RequestParser,
} from './request-parser.ts'

export interface AuthorizerDeps {
  /** must settle by its own deadline; otherwise only the peer ends the wait */
  readonly answer: (params: Params) => Promise<Reply>
  /** must not throw */
  readonly observer: {
    protocolError(kind: ProtocolErrorKind): void
    /** `answer` failed, or its reply could not be written; the peer gets a 500 */
    failure(error: unknown): void
  }
  readonly limits: {
    /** limit of the name-value pairs as sent, including their lengths */
    readonly maxParamsBytes: number
    /** time for a peer to send its params, and again to read the reply */
    readonly paramsTimeoutMs: number
  }
}

/**
 * Ticks of the server's timer for which a peer may be late: `paramsTimeoutMs` and up to a quarter
 * more.
 */
export const TICKS_ALLOWED = 4

const INTERNAL_ERROR: Reply = {
  status: REASONS['internal-error'].status,
  headers: [
    ['Content-Type', 'application/json'],
    ['Cache-Control', 'no-store'],
  ],
  body: JSON.stringify({
    error_code: REASONS['internal-error'].errorCode,
    message: REASONS['internal-error'].message,
  }),
}

/**
 * Serves an accepted socket until it is closed, and owns it.
 *
 * INVARIANT: apart from management records, only whole replies of `encodeReply` are written. A peer
 * that breaks the protocol gets a closed socket, never a bare END_REQUEST, which lighttpd would
 * read as 200.
 */
export class Connection {
  readonly #socket: Socket
  readonly #deps: AuthorizerDeps
  readonly #parser: RequestParser
  /** `closing`: everything is written, and further bytes of the peer are ignored */
  #phase: 'reading' | 'answering' | 'closing' = 'reading'
  #hasServed = false
  #ticks = 0

  /** @param socket fresh, with `allowHalfOpen`: a peer that ends its side still gets its reply */
  constructor(socket: Socket, deps: AuthorizerDeps) {
    this.#socket = socket
    this.#deps = deps
    this.#parser = new RequestParser(deps.limits.maxParamsBytes)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('drain', () => socket.resume())
    socket.on('end', () => this.#peerEnded())
    socket.on('error', () => this.#peerLeft())
  }

  /** A tick of the server's coarse timer: gives up on a peer that is late. */
  tick(): void {
    if (this.#phase === 'answering') return
    this.#ticks += 1
    if (this.#ticks <= TICKS_ALLOWED) return
    if (this.#socket.writableLength > 0) this.#fail('reply-timeout')
    else if (this.#phase === 'closing' || this.#isKeptIdle()) this.#socket.destroy()
    else this.#fail('params-timeout')
  }

  #read(chunk: Buffer): void {
    if (this.#phase === 'closing') return
    this.#parser.feed(chunk)
    let goesOn = true
    while (goesOn) goesOn = this.#follow(this.#parser.next())
  }

  /** @returns whether the buffered bytes may contain more */
  #follow(outcome: Outcome): boolean {
    switch (outcome.kind) {
      case 'need-more':
        return false
      case 'request':
        void this.#serve(outcome.request)
        return true
      case 'management':
        this.#write(outcome.reply)
        return true
      case 'aborted':
        this.#socket.destroy()
        return false
      case 'protocol-error':
        this.#fail(outcome.error)
        return false
      default:
        return assertNever(outcome)
    }
  }

  async #serve(request: AuthorizerRequest): Promise<void> {
    this.#phase = 'answering'
    this.#reply(request, await this.#replyBytes(request))
  }

  async #replyBytes(request: AuthorizerRequest): Promise<Buffer> {
    try {
      return encodeReply(request.id, await this.#deps.answer(request.params))
    } catch (error) {
      this.#deps.observer.failure(error)
      return encodeReply(request.id, INTERNAL_ERROR)
    }
  }

  #reply(request: AuthorizerRequest, bytes: Buffer): void {
    if (this.#socket.destroyed) return
    this.#hasServed = true
    this.#ticks = 0
    if (request.keepConnection && !this.#socket.readableEnded) {
      this.#phase = 'reading'
      this.#parser.release()
      this.#write(bytes)
    } else {
      this.#phase = 'closing'
      this.#socket.end(bytes)
      this.#socket.resume() // otherwise the peer's end stays unseen behind a full pipe
    }
  }

  /** Stops reading from a peer that does not read, so that its pending output stays bounded. */
  #write(bytes: Buffer): void {
    if (!this.#socket.write(bytes)) this.#socket.pause()
  }

  #peerEnded(): void {
    if (this.#phase !== 'reading') return
    if (this.#parser.isIdle) this.#socket.end()
    else this.#fail('ended-early')
  }

  #peerLeft(): void {
    if (this.#phase === 'reading' && !this.#parser.isIdle) {
      this.#deps.observer.protocolError('ended-early')
    }
  }

  #isKeptIdle(): boolean {
    return this.#hasServed && this.#parser.isIdle
  }

  /** Counts a failure once, however late the socket's `close` comes. */
  #fail(kind: ProtocolErrorKind): void {
    if (this.#socket.destroyed) return
    this.#socket.destroy()
    this.#deps.observer.protocolError(kind)
  }
}
