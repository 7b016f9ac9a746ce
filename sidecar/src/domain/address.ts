/** Host and port of a TCP listener. */
export interface Address {
  /** name or IP address; an IPv6 address without brackets, as `node:net` expects */
  readonly host: string
  readonly port: number
}

/**
 * Splits `host:port` at its last colon; an IPv6 address may be in brackets.
 *
 * @returns a port of NaN for a text that does not end with a number
 */
export function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(':')
  return { host: withoutBrackets(text.slice(0, colon)), port: Number(text.slice(colon + 1)) }
}

/**
 * Removes brackets from the host of a URL or address, because `node:net` does not connect to
 * `[::1]`.
 */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}
