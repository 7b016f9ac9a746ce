import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type RequestOptions, request } from 'node:https'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTemporaryPki, type TemporaryPki } from '../pki/temporary-pki.ts'
import { readJson } from '../service/read-json.ts'
import { type SpawnedService, spawnService } from '../service/spawn-service.ts'
import type { RecordedRequest } from './request-log.ts'
import { WORKSPACE } from './simulator-fixture.ts'

const SIZE = 100 * 1024 * 1024
const BLOCK = Buffer.alloc(64 * 1024, 'brickgate')
// {"alg":"none"} and {}: well-formed is all that this simulator wants
const authorization = 'Bearer eyJhbGciOiJub25lIn0.e30.'
let pki: TemporaryPki<'workspace'>
let running: SpawnedService<Listening>

beforeAll(async () => {
  pki = await createTemporaryPki({ workspace: [WORKSPACE] })
})

afterAll(async () => {
  running.child.kill('SIGKILL')
  await pki.remove()
})

interface Listening {
  readonly workspace: string
  readonly control: string
}

async function start(): Promise<RequestOptions> {
  const { cert, key } = pki.files.servers.workspace
  const main = join(import.meta.dirname, 'main.ts')
  running = await spawnService<Listening>(main, ['--cert', cert, '--key', key])
  const { port } = new URL(running.listening.workspace)
  return { host: '127.0.0.1', port, servername: WORKSPACE, ca: pki.ca, headers: { authorization } }
}

/** The most memory the process ever had resident. */
async function peakBytes(): Promise<number> {
  const status = await readFile(`/proc/${running.child.pid}/status`, 'latin1')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

async function uploadAndDownload(options: RequestOptions): Promise<string> {
  const target = { ...options, path: '/api/2.0/fs/files/Volumes/big' }
  const upload = request({ ...target, method: 'PUT' })
  const answered = once(upload, 'response')
  await pipeline(Readable.from(Array.from({ length: SIZE / BLOCK.length }, () => BLOCK)), upload)
  expect((await answered)[0].statusCode).toBe(204)
  const [response] = await once(request(target).end(), 'response')
  const hash = createHash('sha256')
  await pipeline(response, hash)
  return hash.digest('hex')
}

describe('the simulator as a process', () => {
  it('takes and gives 100 MB without growing, and stops on SIGTERM', async () => {
    const options = await start()
    const sha256 = await uploadAndDownload(options)
    const peak = await peakBytes()
    await uploadAndDownload(options)
    expect((await peakBytes()) - peak).toBeLessThan(32 * 1024 * 1024)
    const answer = await fetch(`${running.listening.control}/__sim/requests`)
    const [upload] = await readJson<readonly RecordedRequest[]>(answer)
    expect(upload?.body).toMatchObject({ bytes: SIZE, sha256, state: 'complete' })
    expect(await running.stop()).toBe(0)
  }, 120_000) // 400 MB, hashed twice
})
