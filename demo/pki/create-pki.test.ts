import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTemporaryPki, type TemporaryPki } from './temporary-pki.ts'

const WORKSPACE = 'adb-1234567890123456.7.azuredatabricks.net'
let pki: TemporaryPki<'gateway' | 'workspace'>

async function certificateAt(path: string): Promise<X509Certificate> {
  return new X509Certificate(await readFile(path))
}

async function constraintsOf(path: string): Promise<string> {
  const args = ['x509', '-in', path, '-noout', '-ext', 'basicConstraints']
  return (await promisify(execFile)('openssl', args)).stdout
}

beforeAll(async () => {
  pki = await createTemporaryPki({ gateway: ['localhost', '127.0.0.1'], workspace: [WORKSPACE] })
})

afterAll(() => pki.remove())

describe('createPki', () => {
  it('leaves only files of mode 0600, the private key of the authority not among them', async () => {
    const directory = dirname(pki.files.ca)
    const names = (await readdir(directory)).sort()
    expect(names).toEqual([
      'ca.pem',
      'gateway.key',
      'gateway.pem',
      'workspace.key',
      'workspace.pem',
    ])
    for (const name of names) {
      expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600)
    }
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
  })

  it('issues the gateway for its name and its address, and the workspace for its name alone', async () => {
    const gateway = await certificateAt(pki.files.servers.gateway.cert)
    const workspace = await certificateAt(pki.files.servers.workspace.cert)
    expect(gateway.checkHost('localhost')).toBe('localhost')
    expect(gateway.checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(workspace.checkHost(WORKSPACE)).toBe(WORKSPACE)
    expect(workspace.checkHost('localhost')).toBeUndefined()
    expect(workspace.checkIP('127.0.0.1')).toBeUndefined()
  })

  it('makes server certificates that are issued by the authority and are none themselves', async () => {
    const authority = await certificateAt(pki.files.ca)
    expect(authority.ca).toBe(true)
    for (const { cert, key } of Object.values(pki.files.servers)) {
      const server = await certificateAt(cert)
      expect(await constraintsOf(cert)).toContain('CA:FALSE')
      expect(server.ca).toBe(false)
      expect(server.verify(authority.publicKey)).toBe(true)
      expect(server.checkIssued(authority)).toBe(true)
      expect(await readFile(key, 'latin1')).toContain('BEGIN PRIVATE KEY')
    }
  })
})
