import { Agent, request } from 'undici'
import { type ParsedJwks, readJwks } from './document.ts'

/** The source of an issuer's keys. */
export interface RemoteIssuer {
  readonly issuerName: string
  /** the `iss` of its tokens; its discovery document must have the same, character by character */
  readonly issuerUrl: string
  /** null: use discovery (OpenID Connect Discovery 1.0 section 4) */
  readonly jwksUri: string | null
  /** PEM of the only authorities trusted for this issuer; null for Node's own */
  readonly ca: string | null
}

/** Fetches the keys of an issuer. */
export interface KeyDownload {
  /** a single attempt, discovery included; rejects with the cause */
  run(): Promise<ParsedJwks>
  /** ends a running attempt, and any later attempt */
  close(): void
}

const MAX_DOCUMENT_BYTES = 512 * 1024

/** @throws {RangeError} for an address that is not https */
export function createKeyDownload(issuer: RemoteIssuer, timeoutMs: number): KeyDownload {
  const start = checkedUrl(issuer.jwksUri ?? discoveryUrl(issuer.issuerUrl))
  const closing = new AbortController()

  async function fetchBoth(agent: Agent, signal: AbortSignal): Promise<unknown> {
    const first = await fetchJson(start, { agent, signal })
    if (issuer.jwksUri !== null) return first
    return fetchJson(discoveredUrl(first, issuer), { agent, signal })
  }

  return {
    // New connections each time: an old connection may be closed, or lead to an address that the
    // name no longer has.
    async run() {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)])
      const agent = createAgent(issuer.ca, signal)
      try {
        return readJwks(await fetchBoth(agent, signal))
      } catch (error) {
        throw signal.aborted ? signal.reason : error
      } finally {
        await agent.destroy()
      }
    },
    close: () => closing.abort(),
  }
}

/**
 * @param signal also ends connections: undici waits 10 s for a server that never answers its
 *   handshake
 */
function createAgent(ca: string | null, signal: AbortSignal): Agent {
  const authorities = ca === null ? {} : { ca }
  return new Agent({
    maxResponseSize: MAX_DOCUMENT_BYTES,
    connect: { ...authorities, signal },
  })
}

function discoveryUrl(issuerUrl: string): string {
  return `${issuerUrl.replace(/\/$/, '')}/.well-known/openid-configuration`
}

/**
 * INVARIANT: only a document of this issuer names its keys (section 4.3); otherwise another issuer
 * could sign its tokens.
 */
function discoveredUrl(document: unknown, issuer: RemoteIssuer): URL {
  const members: Partial<Record<string, unknown>> = Object(document)
  const isOurs = members['issuer'] === issuer.issuerUrl
  if (!isOurs) throw new Error('the discovery document names another issuer')
  const address = members['jwks_uri']
  if (typeof address !== 'string') throw new Error('the discovery document has no jwks_uri')
  return checkedUrl(address)
}

function checkedUrl(address: string): URL {
  const url = URL.parse(address)
  if (url?.protocol === 'https:') return url
  throw new RangeError(`\`${address.slice(0, 64)}\` is not an https address`)
}

// A redirect is an error like any other status: undici follows none by itself.
async function fetchJson(
  url: URL,
  { agent, signal }: { readonly agent: Agent; readonly signal: AbortSignal },
): Promise<unknown> {
  const headers = { accept: 'application/json' }
  const { statusCode, body } = await request(url, { dispatcher: agent, signal, headers })
  if (statusCode === 200) return body.json()
  await body.dump({ limit: 0, signal })
  throw new Error(`${url.href} answered ${statusCode}`)
}
