import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A certificate that is its own authority, and its key. */
export interface SelfSigned {
  readonly certificate: string
  readonly certFile: string
  readonly keyFile: string
  remove(): Promise<void>
}

/** @param address the IP address that the certificate is for */
export async function selfSigned(address: string): Promise<SelfSigned> {
  const directory = await mkdtemp(join(tmpdir(), 'brickgate-tls-'))
  const certFile = join(directory, 'cert.pem')
  const keyFile = join(directory, 'key.pem')
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=IP:${address}`]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const files = ['-keyout', keyFile, '-out', certFile]
  await promisify(execFile)('openssl', ['req', '-x509', '-days', '2', ...key, ...subject, ...files])
  return {
    certificate: await readFile(certFile, 'utf8'),
    certFile,
    keyFile,
    remove: () => rm(directory, { recursive: true }),
  }
}
