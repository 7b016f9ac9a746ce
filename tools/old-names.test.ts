import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'

const HOME = join(import.meta.dirname, '..')

/** Former private words; docs/architecture.md has the glossary of today's names. */
const OLD_WORDS =
  /^(?:alias(?:es)?|ask|asking|doors?|judged?|judges|patience|pieces?|places|readings|says?|standing|tells?|told|upkeep|visits?|worlds?)$/
const OLD_NAMES = /^(?:lostSince\w*|\w*[sS]igningIn(?![a-z])\w*|\w*Bench)$/
/** Names of libraries, of YAML and of Docker, where the word is the field's. */
const FOREIGN = new Set(['MAX_ALIASES', 'TSTypeAliasDeclaration', 'maxAliasCount'])
/**
 * Files in which an old word is a library's or Redis' own; `say` is the former key of
 * `trusted_proxies`.
 */
const FOREIGN_IN: Readonly<Record<string, readonly string[]>> = {
  'integration/compose/configured.test.ts': ['alias'],
  'sidecar/src/adapters/redis/cluster.ts': ['asking', 'handleAsking'],
  'sidecar/src/config/schema.ts': ['say'],
  'sidecar/test/config/json-schema.test.ts': ['say'],
  'sidecar/test/config/load.test.ts': ['aliases'],
  'sidecar/test/config/trusted-proxies.test.ts': ['say'],
  'tools/prose-blocks.ts': ['visit'],
}

const FILES = execFileSync('git', ['ls-files', '*.ts', '*.lua', '*.sh'], {
  cwd: HOME,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '')

function wordsOf(name: string): readonly string[] {
  const spaced = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/[-_.$]/g, ' ')
  return spaced.toLowerCase().split(' ')
}

function isOld(name: string): boolean {
  if (FOREIGN.has(name)) return false
  return OLD_NAMES.test(name) || wordsOf(name).some((word) => OLD_WORDS.test(word))
}

/** @returns the identifiers of a TypeScript source, without comments and the texts of strings */
function identifiersOf(source: string): readonly string[] {
  const code = source
    .replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, ' ')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, ' ')
    .replace(/`(?:[^`\\$]|\\.|\$(?!\{))*`/g, ' ')
    .replace(/(?<=[(,=:]\s*)\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/g, ' ')
    .replace(/\}(?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{)|`(?:[^`\\$]|\\.|\$(?!\{))*\$\{/g, ' ')
  return [...new Set(code.match(/[A-Za-z_$][\w$]*/g) ?? [])]
}

function oldNamesIn(file: string, source: string): readonly string[] {
  const foreign = FOREIGN_IN[file] ?? []
  return identifiersOf(source).filter((name) => isOld(name) && !foreign.includes(name))
}

it('no file has an old name', () => {
  const ofFiles = FILES.filter((file) => isOld(basename(file).replace(/\..*/, '')))
  expect(ofFiles).toEqual([])
})

it('no identifier has an old name', () => {
  const found = FILES.filter((file) => file.endsWith('.ts') && !file.startsWith('tools/old-names'))
    .map((file) => [file, oldNamesIn(file, readFileSync(join(HOME, file), 'utf8'))] as const)
    .filter(([, names]) => names.length > 0)
  expect(Object.fromEntries(found)).toEqual({})
})

it.each([
  ['const alias = 1', ['alias']],
  ['deps.ask(issuerName)', ['ask']],
  ['function createUpkeep() {}', ['createUpkeep']],
  ['reading.lostSinceSeconds', ['lostSinceSeconds']],
  ['let signingIn: SigningInDeps', ['signingIn', 'SigningInDeps']],
  ['const gate: GateBench = world', ['GateBench', 'world']],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a source
  ['`the ${upkeep} of it`', ['upkeep']],
  ["// an alias\n'ask' /* told */ signingInput benchmark task", []],
])('`%s` has the old names %j', (source, names) => {
  expect(oldNamesIn('example.ts', source)).toEqual(names)
})
