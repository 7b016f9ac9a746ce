import { expect, it } from 'vitest'
import { mutantsOf } from './mutation-operators.ts'

const changes = (source: string): readonly string[] =>
  mutantsOf('x.ts', source).map(({ change }) => change)

it('changes conditions, sides of operators, comparisons, statements, literals and reasons', () => {
  expect(changes('if (a && b) f()')).toEqual([
    '`a && b` → `true`',
    '`a && b` → `false`',
    '`a && b` → `(a)`',
    '`a && b` → `(b)`',
    '`f()` → `;`',
  ])
  expect(changes('export const x = a < 2')).toEqual(['`<` → `<=`', '`<` → `>=`', '`2` → `(2 + 1)`'])
  expect(changes("export const x = refuse('bad-request')")).toEqual([
    "`'bad-request'` → `'mutant'`",
  ])
  expect(changes('export const x = a.some(b)')).toEqual(['`some` → `every`'])
})

it('leaves types, imports and conditions of loops alone', () => {
  expect(changes('export type A = 1 | true')).toEqual([])
  expect(changes("import { a } from './a.ts'")).toEqual([])
  expect(changes('while (more) {}')).toEqual([])
})

it('yields the whole source with one change, and its line', () => {
  const [mutant] = mutantsOf('x.ts', '// one\nexport const x = true\n')
  expect(mutant).toMatchObject({ line: 2, source: '// one\nexport const x = false\n' })
})
