import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SimulatorFixture, startSimulator } from './simulator-fixture.ts'

const FILE = '/api/2.0/fs/files/Volumes/demo/a%23b.bin'
const GENERATED = '/api/2.0/fs/files/Volumes/demo/size'
let workspace: SimulatorFixture

beforeAll(async () => {
  workspace = await startSimulator()
})

afterAll(() => workspace.close())

describe('the Files API', () => {
  it('gives back what was uploaded last, until it is deleted', async () => {
    for (const body of [Buffer.alloc(200_000, 7), Buffer.from('second')]) {
      expect((await workspace.send(FILE, { method: 'PUT', body })).status).toBe(204)
      expect((await workspace.send(FILE)).body).toEqual(body)
      const { headers } = await workspace.send(FILE, { method: 'HEAD' })
      expect(headers['content-length']).toBe(String(body.length))
    }
    expect((await workspace.send(FILE, { method: 'DELETE' })).status).toBe(204)
    for (const method of ['GET', 'HEAD', 'DELETE']) {
      expect((await workspace.send(FILE, { method })).status).toBe(404)
    }
  })

  it('says which file is missing the way a workspace does', async () => {
    const answer = await workspace.send('/api/2.0/fs/files/Volumes/none')
    const { error_code, details } = JSON.parse(answer.body.toString())
    expect(error_code).toBe('NOT_FOUND')
    expect(details[0].domain).toBe('filesystem.databricks.com')
  })

  it.each([0, 1, 251, 64_256, 64_257, 1_000_003])('generates a file of %i bytes', async (bytes) => {
    const { headers, body } = await workspace.send(`${GENERATED}/${bytes}`)
    expect(headers['content-length']).toBe(String(bytes))
    expect(body.length).toBe(bytes)
    expect(body.every((byte, index) => byte === index % 251)).toBe(true)
  })

  it('lists a directory and lets others be made and removed', async () => {
    await workspace.send(FILE, { method: 'PUT', body: 'x' })
    const listed = await workspace.send('/api/2.0/fs/directories/Volumes/demo/')
    const contents = [{ path: '/Volumes/demo/a%23b.bin', is_directory: false }]
    expect(JSON.parse(listed.body.toString())).toEqual({ contents })
    const directory = '/api/2.0/fs/directories/Volumes/new'
    expect((await workspace.send(directory, { method: 'PUT' })).status).toBe(204)
    expect((await workspace.send(directory, { method: 'HEAD' })).status).toBe(200)
    expect((await workspace.send(directory, { method: 'DELETE' })).status).toBe(204)
  })

  it('takes an escaped slash in a name for a slash, as the CLI needs', async () => {
    const escaped = '/api/2.0/workspace-files/import-file/Workspace%2FUsers%2Ff.py'
    expect((await workspace.send(escaped, { method: 'POST', body: 'x' })).status).toBe(200)
    expect((await workspace.send(escaped, { method: 'POST', body: 'y' })).status).toBe(409)
    const over = `${escaped}?overwrite=true`
    expect((await workspace.send(over, { method: 'POST', body: 'z' })).status).toBe(200)
    const plain = await workspace.send('/api/2.0/workspace-files/Workspace/Users/f.py')
    expect(plain.body.toString()).toBe('z')
    const file = '/api/2.0/fs/files/Volumes%2Fv%2Fa.txt'
    expect((await workspace.send(file, { method: 'PUT', body: 'a' })).status).toBe(204)
    expect((await workspace.send('/api/2.0/fs/files/Volumes/v/a.txt')).body.toString()).toBe('a')
    expect((await workspace.send(file, { method: 'DELETE' })).status).toBe(204)
  })

  it('keeps 64 files at most', async () => {
    for (let count = 0; count < 65; count += 1) {
      await workspace.send(`/api/2.0/fs/files/many/${count}`, { method: 'PUT', body: 'x' })
    }
    expect((await workspace.send('/api/2.0/fs/files/many/0')).status).toBe(404)
    expect((await workspace.send('/api/2.0/fs/files/many/64')).status).toBe(200)
  })
})
