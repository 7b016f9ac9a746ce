import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { HOME } from '../../launch/gateway.ts'

it('the demo on a host with its own lighttpd opens lighttpd’s metrics where compose wants them', () => {
  const state = mkdtempSync(join(tmpdir(), 'brickgate-compose-'))
  onTestFinished(() => rmSync(state, { recursive: true }))
  for (const name of ['demo', 'proof', 'redis', 'secrets', 'settings']) {
    mkdirSync(join(state, name))
  }
  const file = readFileSync(join(HOME, 'docker-compose.host-lighttpd.yml'), 'utf8')
  const settings = parse(file, { merge: true, logLevel: 'error' })['x-settings']
  const environment = { ...settings, BRICKGATE_STATE: state }
  prepare('demo/compose/main.ts', environment)
  prepare('launch/compose/init.ts', environment)
  const made = readFileSync(join(state, 'settings/edge.env'), 'utf8').split('\n')
  expect(made).toContain("BRICKGATE_LIGHTTPD_ADMIN_LISTEN='127.0.0.1:9466'")
})

/** @throws {Error} when the step `prepare` of a program of containers fails */
function prepare(program: string, environment: Record<string, string | null>): void {
  const { PATH } = process.env
  const set = Object.entries(environment).filter(([, value]) => value !== null)
  execFileSync(process.execPath, [join(HOME, program), 'prepare'], {
    env: { PATH, ...Object.fromEntries(set) },
    stdio: 'pipe',
  })
}
