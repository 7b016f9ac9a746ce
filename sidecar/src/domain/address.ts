/** A place that accepts TCP connections. */
export interface Address {
  /** name or IP address; an IPv6 address without its brackets, as `node:net` reads it */
  readonly host: string
  readonly port: number
}

/**
 * Splits `host:port` at its last colon, so that an IPv6 address may be in brackets or not.
 *
 * @param text NaN is the port of a text that ends with anything else than a number
 */
export function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(':')
  return { host: withoutBrackets(text.slice(0, colon)), port: Number(text.slice(colon + 1)) }
}

/** The host of a URL or an address; `node:net` does not connect to `[::1]`. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}
