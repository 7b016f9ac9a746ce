import { describe, expect, it } from 'vitest'
import { compilePolicies } from '../../src/policy/compile.ts'
import type { PolicyEntry } from '../../src/policy/document.ts'
import { evaluate } from '../../src/policy/evaluate.ts'
import { entry, requestTo } from './policy-fixture.ts'

function decide(policies: readonly PolicyEntry[], target: string): string {
  return evaluate(compilePolicies({ version: 1, policies }, ['okta']), requestTo(target)).effect
}

describe('a file whose name has an escaped slash', () => {
  const FILES = '/api/2.0/fs/files'

  it.each<[pattern: string, name: string, effect: string]>([
    [FILES, 'Volumes%2Fpub%2Fa', 'permit'],
    [`${FILES}/*`, 'Volumes%2Fpub%2Fa', 'permit'],
    [`${FILES}/Volumes*`, 'Volumes%2Fpub%2Fa', 'permit'],
    [`${FILES}/Volumes/pub`, 'Volumes/pub/a%2Fb', 'permit'],
    [`${FILES}/Volumes/pub`, 'Volumes%2Fpub%2Fa', 'none'],
    [`${FILES}/*/pub`, 'Volumes%2Fpub', 'none'],
    [`${FILES}/*/pub`, 'Volumes%2Fx/pub', 'none'],
    [`${FILES}/Volumes/pub`, 'Volumes/pub%2Fa', 'none'],
  ])('is permitted only where both readings are: %s for %s', (pattern, name, effect) => {
    const permit = entry('p', 'permit', [pattern])
    expect(decide([permit], `${FILES}/${name}`)).toBe(effect)
  })

  it.each<[pattern: string, name: string]>([
    [`${FILES}/Volumes/secret`, 'Volumes%2Fsecret%2Fa'],
    [`${FILES}/*/secret`, 'Volumes%2FSECRET'],
    [`${FILES}/*/secret`, 'Volumes%2Fx/secret'],
    [`${FILES}/Volumes/x/secret`, 'Volumes%2Fx/secret'],
    ['/api/*/fs/*/Volumes/secret', 'Volumes%2Fsecret%3Bx%2Fa'],
  ])('is forbidden where one reading is: %s for %s', (pattern, name) => {
    const policies = [entry('all', 'permit', ['/']), entry('f', 'forbid', [pattern])]
    expect(decide(policies, `${FILES}/${name}`)).toBe('forbid')
  })
})
