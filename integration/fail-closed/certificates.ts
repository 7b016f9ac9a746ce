import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Paths of a server's certificate and key, and of the certificate that a client has to trust. */
export interface IssuedCertificate {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

export interface CertificateWishes {
  readonly name: string
  /** two days by default, one of them past */
  readonly validDays?: readonly [from: number, to: number]
  /** signed by its own key, and so its own `ca` */
  readonly isSelfSigned?: boolean
}

const KEY = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc'.split(' ')

/**
 * Issues a server certificate under an authority of its own with `openssl`: unlike `createPki`,
 * also one that no client should accept.
 */
export async function issueCertificate(
  directory: string,
  { name, validDays = [-1, 1], isSelfSigned = false }: CertificateWishes,
): Promise<IssuedCertificate> {
  const own = mkdtempSync(join(directory, 'issued-'))
  const [ca, cert, key] = ['ca.pem', 'server.pem', 'server.key'].map((file) => join(own, file)) as [
    string,
    string,
    string,
  ]
  writeFileSync(join(own, 'openssl.cnf'), configuration(name))
  writeFileSync(join(own, 'index.txt'), '')
  const openssl = (...args: readonly string[]): Promise<unknown> =>
    run('openssl', args, { cwd: own })
  const request = ['req', '-config', 'openssl.cnf', ...KEY]
  if (isSelfSigned) {
    await openssl(...request, '-x509', '-extensions', 'server', '-keyout', key, '-out', cert)
    return { cert, key, ca: cert }
  }
  await openssl(...request, '-x509', '-extensions', 'authority', '-keyout', 'ca.key', '-out', ca)
  await openssl(...request, '-keyout', key, '-out', 'server.csr')
  const [from, to] = validDays.map(certificateTime) as [string, string]
  const validity = ['-startdate', from, '-enddate', to]
  const files = ['-in', 'server.csr', '-out', cert, '-notext']
  await openssl('ca', '-batch', '-config', 'openssl.cnf', '-create_serial', ...validity, ...files)
  return { cert, key, ca }
}

const DAY_MS = 86_400_000

/**
 * @param days from now
 * @returns such as `20300102000000Z`
 */
function certificateTime(days: number): string {
  const iso = new Date(Date.now() + days * DAY_MS).toISOString()
  return `${iso.slice(0, 19).replaceAll(/[-:T]/g, '')}Z`
}

function configuration(name: string): string {
  return `
[req]
prompt = no
distinguished_name = subject
[subject]
CN = ${name}
[ca]
default_ca = authority_files
[authority_files]
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
x509_extensions = server
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[server]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:${name}
`
}
