import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * When the first certificate of a PEM file ends, its chain included.
 *
 * @returns epoch seconds; null when the file cannot be read or has no certificate
 */
export function expiryOfFile(file: string): number | null {
  try {
    const blocks = readFileSync(file, 'latin1').match(PEM_CERTIFICATE) ?? []
    const ends = blocks.map((block) => secondsOf(new X509Certificate(block)))
    return ends.length === 0 ? null : Math.min(...ends)
  } catch {
    return null // an alert hangs on its absence
  }
}

/** A TLS server and how it must show itself. */
export interface TlsServer {
  /** the name that its certificate must have, and the one that is asked for (SNI) */
  readonly name: string
  /** `host:port` to connect to */
  readonly address: string
  /** PEM of the authorities trusted for it */
  readonly ca: string
}

export interface ShownCertificate {
  readonly isTrusted: boolean
  /** epoch seconds, of the server's own certificate */
  readonly expiresAtSeconds: number
}

/** Shakes hands with a server and leaves. @returns null when it does not come to that in time */
export function shownCertificate(
  { name, address, ca }: TlsServer,
  timeoutMs: number,
): Promise<ShownCertificate | null> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
  const { promise, resolve } = Promise.withResolvers<ShownCertificate | null>()
  // One that is not trusted is looked at all the same: it may have ended. Nothing is sent to it.
  const socket = connect({
    host,
    port: Number(address.slice(colon + 1)),
    servername: name,
    ca,
    rejectUnauthorized: false,
  })
  const timer = setTimeout(() => socket.destroy(), timeoutMs)
  socket.once('secureConnect', () => {
    const shown = socket.getPeerX509Certificate()
    const isTrusted = socket.authorized
    resolve(shown === undefined ? null : { isTrusted, expiresAtSeconds: secondsOf(shown) })
    socket.destroy()
  })
  socket.once('error', () => socket.destroy())
  socket.once('close', () => {
    clearTimeout(timer)
    resolve(null)
  })
  return promise
}

function secondsOf({ validToDate }: X509Certificate): number {
  return validToDate.getTime() / 1000
}
