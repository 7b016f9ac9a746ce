import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { documentedUsers, PASSWORD } from '../../sidecar/test/support/documented-users.ts'

const HOME = join(import.meta.dirname, '../..')

function read(path: string): string {
  return readFileSync(join(HOME, path), 'utf8')
}

it('the users of the composed Redis have the rights that docs/redis.md documents', () => {
  const { sidecar, operator } = documentedUsers()
  const lines = read('deploy/compose/users.acl').replaceAll('PASSWORD', PASSWORD).split('\n')
  for (const words of [sidecar, operator]) {
    expect(lines).toContain(['user', ...words.slice(2)].join(' '))
  }
})

it('.env.example names every variable that the composed brickgate.yaml reads', () => {
  const asked = read('deploy/compose/brickgate.yaml').matchAll(/\$\{env:([A-Z_]+)\}/g)
  const named = read('.env.example')
  const passedOn = settingsOf('docker-compose.yml')
  for (const [, name = ''] of asked) {
    expect(Object.keys(passedOn)).toContain(name)
    const isSetByCompose = passedOn[name] !== null
    if (!isSetByCompose) expect(named).toMatch(new RegExp(`^${name}=`, 'm'))
  }
})

it.each([
  ['0.0.0.0:9466', 'docker-compose.yml', ['init']],
  ['127.0.0.1:9466', 'docker-compose.host-lighttpd.yml', ['init', 'redis-init', 'sidecar']],
])('lighttpd’s metrics are open at %s by %s', (listen, file, services) => {
  expect(parse(read('deploy/compose/brickgate.yaml'))).toMatchObject({
    admin: { lighttpd_listen: `\${env:LIGHTTPD_ADMIN_LISTEN}` },
  })
  const parsed = parse(read(file), { merge: true, logLevel: 'error' })
  for (const service of services) {
    expect(parsed.services[service].environment).toMatchObject({ LIGHTTPD_ADMIN_LISTEN: listen })
  }
})

function settingsOf(file: string): Record<string, string | null> {
  return parse(read(file), { merge: true, logLevel: 'error' })['x-settings']
}
