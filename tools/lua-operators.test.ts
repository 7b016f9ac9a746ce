import { expect, it } from 'vitest'
import { luaMutantsOf } from './lua-operators.ts'

const changes = (source: string): readonly string[] =>
  luaMutantsOf('x.lua', source).map(({ change }) => change)

it('changes conditions, operators, comparisons, literals and items of tables', () => {
  expect(changes('if not a and b < 2 then return true end -- if 3')).toEqual([
    '`not a and b < 2` → `true`',
    '`not a and b < 2` → `false`',
    '`not` → ``',
    '`and` → `or`',
    '`<` → `<=`',
    '`<` → `>=`',
    '`2` → `(2 + 1)`',
    '`true` → `false`',
  ])
  expect(changes('local set = { "a", b = f("c") }')).toEqual(['`"a"` → `"mutant"`'])
})

it('leaves whole statements out, and no part of one', () => {
  expect(changes('r.env["A"], b = "x", y')).toEqual(['`r.env["A"], b = "x", y` → ``'])
  expect(changes('headers.strip(r)')).toEqual(['`headers.strip(r)` → ``'])
  expect(changes('local a = b')).toEqual([])
  expect(changes('a = f(\n  b)')).toEqual([])
  expect(changes('local t = {\n  a = b,\n}')).toEqual([])
  expect(changes('a = b\n  or c')).toEqual(['`or` → `and`'])
})
