import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A self-signed certificate and its key. */
export interface SelfSigned {
  readonly certificate: string
  readonly certFile: string
  readonly keyFile: string
  remove(): Promise<void>
}

/** @param name the IP address or DNS name of the certificate */
export async function selfSigned(name: string, days = 2): Promise<SelfSigned> {
  const directory = await mkdtemp(join(tmpdir(), 'brickgate-tls-'))
  const certFile = join(directory, 'cert.pem')
  const keyFile = join(directory, 'key.pem')
  const altName = `subjectAltName=${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`
  const subject = ['-subj', '/CN=test', '-addext', altName]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const files = ['-keyout', keyFile, '-out', certFile]
  const args = ['req', '-x509', '-days', String(days), ...key, ...subject, ...files]
  await promisify(execFile)('openssl', args)
  return {
    certificate: await readFile(certFile, 'utf8'),
    certFile,
    keyFile,
    remove: () => rm(directory, { recursive: true }),
  }
}
