import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const HOME = join(import.meta.dirname, '..')
const DOCUMENTS = globSync(['*.md', 'docs/*.md'], { cwd: HOME })
const TEST_NAME = /`([\w./-]+\.test\.ts)`/g
const LINK = /\]\((?!https?:|#)([^)#]+)/g
const TESTS = globSync('{sidecar,demo,integration,launch,tools}/**/*.test.ts', {
  cwd: HOME,
  exclude: ['**/node_modules/**'],
})

function textOf(document: string): string {
  return readFileSync(join(HOME, document), 'utf8')
}

/** @returns the first groups of all matches */
function found(pattern: RegExp, text: string): readonly string[] {
  return [...text.matchAll(pattern)].flatMap(([, group]) => group ?? [])
}

/** A name without a folder must be the name of exactly one test. */
function isTest(name: string): boolean {
  if (name.includes('/')) return TESTS.includes(name)
  return TESTS.filter((path) => basename(path) === name).length === 1
}

describe.each(DOCUMENTS)('%s', (document) => {
  it('names only tests that are there', () => {
    expect(found(TEST_NAME, textOf(document)).filter((name) => !isTest(name))).toEqual([])
  })

  it('links only to files that are there', () => {
    const folder = dirname(join(HOME, document))
    const missing = found(LINK, textOf(document)).filter((link) => !existsSync(join(folder, link)))
    expect(missing).toEqual([])
  })
})

it('each command that revokes keeps its key as long as a token may be accepted', () => {
  const texts = [...DOCUMENTS, 'demo/up.ts'].map(textOf).join('\n')
  const kept = found(/ SET '?bg:revoked:\S+ .* EX (?:\$\(\(.*\+ )?(\d+)/g, texts)
  expect(kept.length).toBeGreaterThanOrEqual(4)
  // max_token_lifetime_s, clock_skew_s and leeway_s by default: docs/revocation.md has the rule
  expect(kept.filter((seconds) => Number(seconds) < 108_000 + 5 + 60)).toEqual([])
})

it('each promise of docs/security.md names a test', () => {
  const rows = textOf('docs/security.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| promise'))
  expect(rows.length).toBeGreaterThan(10)
  expect(rows.filter((row) => found(TEST_NAME, row).length === 0)).toEqual([])
})
