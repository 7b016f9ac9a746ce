import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { HOME, lighttpdProcess, SYSTEM_LIGHTTPD } from '../../launch/gateway.ts'
import { freePort } from '../../launch/probe.ts'
import { startProcess, stopProcess } from '../../launch/process.ts'
import { type ComposeProject, composeProject } from './project.ts'

const { missing } = inject('containers')

describe.skipIf(missing !== null)('a lighttpd of the host, with the rest in containers', () => {
  let folder: string
  let project: ComposeProject
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'brickgate-host-'))
    for (const name of ['proof', 'settings', 'run', 'spool']) mkdirSync(join(folder, name))
    // a machine of tests has no users of these numbers: the units' tmpfiles give the folders
    // owners
    for (const name of ['', 'proof', 'settings', 'run']) chmodSync(join(folder, name), 0o777)
    project = await composeProject('host', {
      further: '../../docker-compose.host-lighttpd.yml',
      environment: { BRICKGATE_HOST_STATE: folder, BRICKGATE_HOST_RUN: join(folder, 'run') },
    })
    await project.compose('cp', 'demo:/var/lib/brickgate/demo/pki/.', join(folder, 'pki'))
    await startProcess(lighttpdProcess('lighttpd', SYSTEM_LIGHTTPD, await environment()), folder)
  })
  afterAll(async () => {
    await stopProcess('lighttpd', folder)
    rmSync(folder, { recursive: true })
  })

  it('lighttpd’s metrics are on loopback of the host, by the settings that the init container made', () => {
    expect(madeSettings()['BRICKGATE_LIGHTTPD_ADMIN_LISTEN']).toBe('127.0.0.1:9466')
  })

  it('a lighttpd of the host allows and refuses by the sidecar’s word, over the shared sockets', async () => {
    expect((await project.sendRequest(project.setting('TOKEN_ALICE'))).status).toBe(200)
    expect((await project.sendRequest(project.setting('TOKEN_EXPIRED'))).status).toBe(401)
    expect((await project.sendRequest(null)).status).toBe(401)
    const requests = await project.upstreamRequests()
    expect(requests.map(({ target }) => target)).toEqual(['/api/2.1/clusters/list'])
  })

  /** The settings that the init container made. */
  function madeSettings(): Record<string, string> {
    const lines = readFileSync(join(folder, 'settings/edge.env'), 'utf8').matchAll(
      /^(\w+)='(.*)'$/gm,
    )
    return Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value]))
  }

  /** The demo's settings, with the places that differ on this host. */
  async function environment(): Promise<Record<string, string>> {
    const listener = (tier: 'internal' | 'external'): string =>
      `127.0.0.1:${project.listener(tier).port}`
    const own = Object.fromEntries(
      ['INTERNAL', 'EXTERNAL'].flatMap((tier) => [
        [`BRICKGATE_${tier}_TLS_CERT`, join(folder, 'pki/gateway.pem')],
        [`BRICKGATE_${tier}_TLS_KEY`, join(folder, 'pki/gateway.key')],
      ]),
    )
    return {
      ...madeSettings(),
      ...own,
      BRICKGATE_LIGHTTPD_DIR: join(HOME, 'lighttpd'),
      BRICKGATE_LOG_DIR: join(folder, 'logs'),
      BRICKGATE_PROOF_FILE: join(folder, 'proof/proof'),
      BRICKGATE_RUN_DIR: join(folder, 'run'),
      BRICKGATE_SPOOL_DIR: join(folder, 'spool'),
      BRICKGATE_INTERNAL_LISTEN: listener('internal'),
      BRICKGATE_EXTERNAL_LISTEN: listener('external'),
      BRICKGATE_REDIRECT_LISTEN: `127.0.0.1:${await freePort()}`,
      BRICKGATE_LIGHTTPD_ADMIN_LISTEN: `127.0.0.1:${await freePort()}`,
    }
  }
})
