/** The used part of node-fastcgi, which has no types of its own. */
declare module 'node-fastcgi' {
  import type { IncomingMessage, Server, ServerResponse } from 'node:http'

  /** A request over FastCGI, with its parameters as UTF-8 text. */
  export interface FastCgiRequest extends IncomingMessage {
    readonly cgiParams: Readonly<Record<string, string>>
  }

  export function createServer(
    responder: (request: FastCgiRequest, response: ServerResponse) => void,
    config?: { maxConns?: number; maxReqs?: number; multiplex?: boolean },
  ): Server
}
