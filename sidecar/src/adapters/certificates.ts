import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { parseAddress } from '../domain/address.ts'

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
    return null // an alert notices the absence
  }
}

/**
 * When the certificate of a TLS server ends. Makes a handshake and sends nothing. An untrusted
 * certificate counts too, because an ended certificate is what the alert looks for.
 *
 * @param name the requested name (SNI)
 * @param address `host:port`
 * @returns epoch seconds; null without a handshake in time
 */
export function expiryOfServer(
  name: string,
  address: string,
  timeoutMs: number,
): Promise<number | null> {
  const { promise, resolve } = Promise.withResolvers<number | null>()
  const socket = connect({ ...parseAddress(address), servername: name, rejectUnauthorized: false })
  const timer = setTimeout(() => socket.destroy(), timeoutMs)
  socket.once('secureConnect', () => {
    const shown = socket.getPeerX509Certificate()
    resolve(shown === undefined ? null : secondsOf(shown))
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
