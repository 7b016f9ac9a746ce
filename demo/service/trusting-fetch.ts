import { Agent, type RequestInit as UndiciInit, fetch as undiciFetch } from 'undici'

/** `fetch` for an address; a `Request` object is not taken. */
export type TrustingFetch = (address: string | URL, init?: RequestInit) => Promise<Response>

/**
 * Makes a `fetch` that trusts exactly the CA certificates in `ca` and keeps no connection open.
 * A `dispatcher` among the options of a call is ignored: oidc-provider passes one that refuses
 * loopback, where everything here lives.
 *
 * @param ca PEM text
 */
export function createTrustingFetch(ca: string): TrustingFetch {
  const dispatcher = new Agent({ connect: { ca }, pipelining: 0 })
  return (address, init) => {
    // The package types FormData and Dispatcher apart from Node's globals; here neither is ever
    // sent. oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const options = { ...init, dispatcher } as unknown as UndiciInit
    return undiciFetch(address, options)
  }
}
