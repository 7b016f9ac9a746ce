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
    return null // an alert hangs on its absence
  }
}

/**
 * When the certificate of a TLS server ends. Shakes hands, sends nothing and leaves; whether the certificate
 * is trusted is not judged here, for one that has ended is what to look for.
 *
 * @param name the one that is asked for (SNI)
 * @param address `host:port`
 * @returns epoch seconds; null when it does not come to that in time
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
