import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import {
  heartbeatBeginning,
  INVALIDATION_CHANNEL,
  REDIS_KEYS,
  TRACKED_PREFIXES,
} from '../sidecar/src/domain/redis-keys.ts'

const HOME = join(import.meta.dirname, '..')
const KEYS_FILE = 'domain/redis-keys.ts'
const PAGE = textOf('docs/redis.md')
const OF_CODE = [...Object.values(REDIS_KEYS), ...TRACKED_PREFIXES.map(heartbeatBeginning)]

function textOf(path: string): string {
  return readFileSync(join(HOME, path), 'utf8')
}

/** Beginnings of the keys in the table under `## Keys`: each name up to its first `<`. */
function keysOfPage(page: string): readonly string[] {
  const [, section = ''] = page.split('\n## Keys\n')
  const [table = ''] = section.split('\n## ')
  const rows = table.split('\n').filter((line) => line.startsWith('| `'))
  const cells = rows.map((row) => row.split(' | '))
  expect(cells.filter((row) => row.length !== 5)).toEqual([]) // name, value, TTL, writer, reader
  return cells
    .flatMap(([name = '']) => name.match(/`[^`]+`/g) ?? [])
    .map((name) => name.slice(1, -1).split('<')[0] ?? '')
}

/** @returns differences between the keys of code and page, each with the side that lacks the key */
function differences(code: readonly string[], page: readonly string[]): readonly string[] {
  return [
    ...code.filter((key) => !page.includes(key)).map((key) => `docs/redis.md lacks ${key}`),
    ...page.filter((key) => !code.includes(key)).map((key) => `${KEYS_FILE} lacks ${key}`),
  ]
}

/** Names of keys that the code of a source writes; comments and messages may name keys. */
function literalKeys(source: string): readonly string[] {
  const code = source.replace(/\/\*.*?\*\/|\/\/.*?$/gms, '')
  return code.match(/['`"]bg:[\w:-]*(?:['`"]|\$\{)/g) ?? []
}

/** @returns channels and key patterns of each user, by the first of its ACL lines */
function rightsOf(lines: string): Readonly<Record<string, readonly string[]>> {
  const users = lines.matchAll(/^(?: {4}ACL SETUSER|user) (brickgate\S*) reset on .*~.*$/gm)
  return Object.fromEntries(
    [...users].map(([line, name = '']) => [name, line.split(' ').filter((w) => /^[~&%]/.test(w))]),
  )
}

it('docs/redis.md lists exactly the Redis keys of the code', () => {
  expect(differences(OF_CODE, keysOfPage(PAGE))).toEqual([])
})

it('a Redis key that only the code has is a difference', () => {
  const page = keysOfPage(PAGE)
  expect(differences([...OF_CODE, 'bg:quota:'], page)).toEqual(['docs/redis.md lacks bg:quota:'])
  expect(differences(OF_CODE.slice(1), page)).toEqual([`${KEYS_FILE} lacks bg:session:`])
})

it('no other source of the sidecar writes the name of a Redis key', () => {
  const sources = globSync('**/*.ts', { cwd: join(HOME, 'sidecar/src') })
  const found = sources
    .filter((path) => path !== KEYS_FILE)
    .flatMap((path) =>
      literalKeys(textOf(join('sidecar/src', path))).map((key) => `${path} ${key}`),
    )
  expect(sources).toContain(KEYS_FILE)
  expect(found).toEqual([])
})

it.each([
  ["const KEY = 'bg:quota:'", 1],
  ['read(`bg:quota:${', 1],
  ["'bg:state cannot be read: delete it, then accept'", 0],
  ['/** Reads `bg:state`\n */\n// from `bg:state`\n', 0],
])('the search for names of Redis keys finds in %j %i', (source, count) => {
  expect(literalKeys(source)).toHaveLength(count)
})

it('every key is open to the documented and the shipped users, and tracking to the sidecar', () => {
  const documented = rightsOf(PAGE)
  expect(rightsOf(textOf('deploy/compose/users.acl'))).toEqual(documented)
  expect(documented).toEqual({
    brickgate: ['~bg:*', `&${INVALIDATION_CHANNEL}`],
    'brickgate-operator': ['~bg:*'],
  })
  expect(OF_CODE.filter((key) => !key.startsWith('bg:'))).toEqual([])
})
