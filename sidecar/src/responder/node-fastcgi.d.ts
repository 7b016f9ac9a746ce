/** The part of node-fastcgi that is used here; the package brings no types. */
declare module 'node-fastcgi' {
  import type { IncomingMessage, Server, ServerResponse } from 'node:http'

  /** A request that came in by FastCGI, with the parameters as UTF-8 text. */
  export interface FastCgiRequest extends IncomingMessage {
    readonly cgiParams: Readonly<Record<string, string>>
  }

  export function createServer(
    responder: (request: FastCgiRequest, response: ServerResponse) => void,
    config?: { maxConns?: number; maxReqs?: number; multiplex?: boolean },
  ): Server
}
