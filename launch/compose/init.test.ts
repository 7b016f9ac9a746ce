import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { documentedUsers, PASSWORD } from '../../sidecar/test/support/documented-users.ts'

const HOME = join(import.meta.dirname, '../..')

function read(path: string): string {
  return readFileSync(join(HOME, path), 'utf8')
}

test('gives the users of the composed Redis the rights that docs/redis.md documents', () => {
  const { sidecar, operator } = documentedUsers()
  const lines = read('deploy/compose/users.acl').replaceAll('PASSWORD', PASSWORD).split('\n')
  for (const words of [sidecar, operator]) {
    expect(lines).toContain(['user', ...words.slice(2)].join(' '))
  }
})

test('names in .env.example every variable that the composed brickgate.yaml asks for', () => {
  const asked = read('deploy/compose/brickgate.yaml').matchAll(/\$\{env:([A-Z_]+)\}/g)
  const named = read('.env.example')
  const passedOn = Object.keys(parse(read('docker-compose.yml'), { merge: true })['x-settings'])
  for (const [, name = ''] of asked) {
    expect(named).toMatch(new RegExp(`^${name}=`, 'm'))
    expect(passedOn).toContain(name)
  }
})
