import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTemporaryPki, type TemporaryPki } from '../pki/temporary-pki.ts'
import { readJson } from '../service/read-json.ts'
import { spawnService } from '../service/spawn-service.ts'
import { createTrustingFetch } from '../service/trusting-fetch.ts'

const MAIN = join(import.meta.dirname, 'main.ts')
let pki: TemporaryPki<'idp'>

beforeAll(async () => {
  pki = await createTemporaryPki({ idp: ['localhost'] })
})

afterAll(() => pki.remove())

describe('the provider as a process', () => {
  it('announces its issuer, serves it, and stops on SIGTERM with a request hanging', async () => {
    const { cert, key } = pki.files.servers.idp
    const args = ['--cert', cert, '--key', key, '--ca', pki.files.ca]
    const { listening, stop } = await spawnService<{ issuer: string }>(MAIN, args)
    const fetch = createTrustingFetch(pki.ca)
    const discovery = `${listening.issuer}/.well-known/openid-configuration`
    const { issuer } = await readJson<{ issuer: string }>(await fetch(discovery))
    expect(issuer).toBe(listening.issuer)
    const outage = JSON.stringify({ mode: 'hang' })
    await fetch(`${listening.issuer}/__demo/outage`, { method: 'POST', body: outage })
    const hanging = fetch(discovery).catch((error: Error) => error.message)
    expect(await stop()).toBe(0)
    expect(await hanging).toBe('fetch failed')
  })

  it('does not start without a certificate', async () => {
    await expect(spawnService(MAIN, [])).rejects.toThrow('ended with 1')
  })
})
