import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type SimulatorFixture, startSimulator } from './simulator-fixture.ts'

const LIST = '/api/2.0/clusters/list'
let workspace: SimulatorFixture

beforeAll(async () => {
  workspace = await startSimulator()
})

afterAll(() => workspace.close())

afterEach(() => workspace.control('DELETE', 'behaviour'))

function behave(behaviour: object): Promise<unknown> {
  return workspace.control('POST', 'behaviour', behaviour)
}

describe('a behaviour on demand', () => {
  it('answers another status, body and headers, credential or not', async () => {
    await behave({ path: LIST, status: 503, body: '{"a":1}', headers: { 'retry-after': '7' } })
    for (const authorization of ['Bearer x', 'Basic x']) {
      const answer = await workspace.send(LIST, { headers: { authorization } })
      expect(answer).toMatchObject({ status: 503, body: Buffer.from('{"a":1}') })
      expect(answer.headers['retry-after']).toBe('7')
    }
    expect(workspace.newest().target).toBe(LIST)
  })

  it('is over after the number of times that was asked for', async () => {
    await behave({ path: LIST, status: 500, times: 2 })
    const statuses = []
    for (let count = 0; count < 3; count += 1) statuses.push((await workspace.send(LIST)).status)
    expect(statuses).toEqual([500, 500, 200])
  })

  it.each([
    ['another path', { path: '/api/2.0/clusters' }],
    ['another method', { path: LIST, method: 'POST' }],
    ['a prefix of others', { path: '/api/2.1/*' }],
  ])('leaves %s alone', async (_name, behaviour) => {
    await behave({ ...behaviour, status: 500 })
    expect((await workspace.send(LIST)).status).toBe(200)
  })

  it('covers every path under a prefix', async () => {
    await behave({ path: '/api/2.0/*', status: 502 })
    expect((await workspace.send(`${LIST}?x=1`)).status).toBe(502)
  })

  it('waits before the usual answer', async () => {
    await behave({ path: LIST, delayMs: 250 })
    const startedAt = performance.now()
    expect((await workspace.send(LIST)).status).toBe(200)
    expect(performance.now() - startedAt).toBeGreaterThan(240)
  })

  it('cuts the connection without an answer', async () => {
    await behave({ path: LIST, reset: true })
    await expect(workspace.send(LIST)).rejects.toThrow('socket hang up')
  })

  it.each([0, 4])('cuts the connection after %i bytes of the body', async (closeAfterBytes) => {
    await behave({ path: LIST, status: 200, body: '0123456789', closeAfterBytes })
    await expect(workspace.send(LIST)).rejects.toThrow('aborted')
    const answer = await workspace.sendRaw(`GET ${LIST} HTTP/1.1\r\nHost: h\r\n\r\n`)
    expect(answer).toContain('Content-Length: 10\r\n')
    expect(answer.split('\r\n\r\n')[1]).toBe('0123456789'.slice(0, closeAfterBytes))
  })

  it('is refused with 400 when it says something unknown', async () => {
    await expect(behave({ path: 'x' })).rejects.toThrow('400')
    await expect(behave({ path: '/', delay: 1 })).rejects.toThrow('Unrecognized key')
  })
})
