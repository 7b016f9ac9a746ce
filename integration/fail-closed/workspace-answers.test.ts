import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Egress, startEgress } from '../harness/egress.ts'
import { issueCertificate } from './certificates.ts'

const WORKSPACE = 'workspace.example'
const PROOF = 'a'.repeat(64)
const HEADERS = { 'x-brickgate-proof': PROOF, 'content-length': '0' }

let directory: string
let workspace: Server
let egress: Egress
/** the bytes of the workspace before it closes */
let answer: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'brickgate-answers-'))
  writeFileSync(join(directory, 'proof'), `${PROOF}\n`)
  const { cert, key, ca } = await issueCertificate(directory, { name: WORKSPACE })
  workspace = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => socket.end(answer, 'latin1'))
  })
  workspace.listen(0, '127.0.0.1')
  await once(workspace, 'listening')
  egress = await startEgress({
    BRICKGATE_PROOF_FILE: join(directory, 'proof'),
    BRICKGATE_WORKSPACE_HOST: WORKSPACE,
    BRICKGATE_WORKSPACE_ADDRESS: `127.0.0.1:${(workspace.address() as AddressInfo).port}`,
    BRICKGATE_WORKSPACE_CA: ca,
    BRICKGATE_UPSTREAM_MAX_CONNECTIONS: '8',
  })
})

afterAll(async () => {
  await egress.stop()
  workspace.close()
  rmSync(directory, { recursive: true })
})

describe('an answer of the workspace that two readers could take for different ones is none:', () => {
  it.each([
    ['no HTTP', 'garbage\r\n\r\n'],
    ['nothing', ''],
    ['a head that is cut', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n'],
    ['a header without colon', 'HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    ['headers of 80 KB', `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(80_000)}\r\n\r\n`],
  ])(
    'an answer of the workspace that two readers could take for different ones is none: %s',
    async (_name, bytes) => {
      answer = bytes
      const { status, headers, body } = await egress.send('/x', {
        method: 'POST',
        headers: HEADERS,
      })
      expect(status).toBe(502)
      expect(headers['retry-after']).toBeUndefined() // the request may have run
      expect(JSON.parse(body)).toMatchObject({ error_code: 'TEMPORARILY_UNAVAILABLE' })
    },
  )
})

it('an answer that is cut does not look whole', async () => {
  answer = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npartial'
  await expect(egress.send('/x', { headers: HEADERS })).rejects.toThrow('aborted')
})
