import { execFile } from 'node:child_process'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Paths of one server's certificate (PEM, leaf only) and private key (PEM, PKCS #8). */
export interface ServerFiles {
  readonly cert: string
  readonly key: string
}

/** Paths of a throw-away PKI. */
export interface Pki<Name extends string> {
  /** the CA certificate, PEM, which clients have to trust */
  readonly ca: string
  readonly servers: Readonly<Record<Name, ServerFiles>>
}

const ISSUE = 'req -x509 -sha256 -days 365 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc'

/**
 * Makes a certificate authority and server certificates with the `openssl` command (3.0 or newer:
 * Debian 12 and 13), replacing what an earlier call left in `directory`. The authority's private
 * key is removed before this returns, so nobody can issue anything under it later.
 *
 * @param directory made with mode 0700; every file in it gets mode 0600
 * @param names per server the DNS names and IP addresses of its certificate, the first also its CN
 * @throws {Error} with the output of `openssl`, when the command is missing or fails
 */
export async function createPki<Name extends string>(
  directory: string,
  names: Readonly<Record<Name, readonly [string, ...string[]]>>,
): Promise<Pki<Name>> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await chmod(directory, 0o700)
  const authority = { cert: join(directory, 'ca.pem'), key: join(directory, 'ca.key') }
  await issueAuthority(authority)
  const servers: [string, ServerFiles][] = []
  for (const [name, subjects] of Object.entries<readonly [string, ...string[]]>(names)) {
    const files = { cert: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) }
    await issueServer(files, subjects, authority)
    servers.push([name, files])
  }
  await rm(authority.key)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one was made for every name
  return { ca: authority.cert, servers: Object.fromEntries(servers) as Record<Name, ServerFiles> }
}

async function issueAuthority(files: ServerFiles): Promise<void> {
  const extensions = [
    'basicConstraints = critical, CA:TRUE, pathlen:0',
    'keyUsage = critical, keyCertSign, cRLSign',
  ]
  await issue(files, describe('Brickgate throw-away CA', extensions), [])
}

async function issueServer(
  files: ServerFiles,
  subjects: readonly [string, ...string[]],
  authority: ServerFiles,
): Promise<void> {
  const alternatives = subjects.map((subject) => `${isIP(subject) ? 'IP' : 'DNS'}:${subject}`)
  const extensions = [
    'basicConstraints = critical, CA:FALSE',
    'keyUsage = critical, digitalSignature',
    'extendedKeyUsage = serverAuth',
    'authorityKeyIdentifier = keyid',
    `subjectAltName = ${alternatives.join(', ')}`,
  ]
  const signer = ['-CA', authority.cert, '-CAkey', authority.key]
  await issue(files, describe(subjects[0], extensions), signer)
}

/** @param signer the options that name the authority's files, none for a self-signed certificate */
async function issue(
  { cert, key }: ServerFiles,
  description: string,
  signer: readonly string[],
): Promise<void> {
  const config = `${cert}.cnf`
  await writeFile(config, description, { mode: 0o600 })
  const files = ['-config', config, '-keyout', key, '-out', cert]
  await run('openssl', [...ISSUE.split(' '), ...files, ...signer])
  await Promise.all([chmod(key, 0o600), chmod(cert, 0o600), rm(config)])
}

/** A whole `openssl` configuration: Debian's own adds CA:TRUE to whatever `req -x509` makes. */
function describe(commonName: string, extensions: readonly string[]): string {
  return [
    '[req]',
    'prompt = no',
    'distinguished_name = subject',
    'x509_extensions = extensions',
    '[subject]',
    `CN = ${commonName}`,
    '[extensions]',
    'subjectKeyIdentifier = hash',
    ...extensions,
    '',
  ].join('\n')
}
