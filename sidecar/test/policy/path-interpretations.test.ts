import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold, readPaths } from '../../src/policy/path-interpretations.ts'

describe('readings', () => {
  it.each<[segment: string, variants: readonly string[]]>([
    ['', ['']],
    ['a', ['a']],
    ['a%41', ['a%41', 'aA']],
    ['%2541', ['%2541', '%41', 'A']],
    ['100%', ['100%']],
    ['%zz%4', ['%zz%4']],
    ['a;b', ['a;b', 'a']],
    ['a%3Bb', ['a%3Bb', 'a;b', 'a']],
    ['a?%41', ['a?%41', 'a', 'a?A', 'a']],
    ['%C3%A9', ['%C3%A9', 'é']],
    ['%ff', ['%ff', '\ufffd']],
    ['__proto__', ['__proto__']],
  ])('of %j are %j', (segment, variants) => {
    expect(readPaths([segment])[0].plain).toEqual([variants])
  })

  it('come to an end, and are never none', () => {
    const segment = fc.string({ unit: fc.constantFrom('%', '25', '41', 'ff', ';', 'é', '\ud800') })
    fc.assert(
      fc.property(segment, (text) => {
        const [variants] = readPaths([text])[0].plain
        expect(variants?.[0]).toBe(text)
      }),
    )
  })
})

describe('a path with an escaped slash', () => {
  function variants(segments: readonly string[]): readonly (readonly string[][])[] {
    return readPaths(segments).map(({ plain }) => plain.map((one) => [...one]))
  }

  it('is read with the slash in a name, and as a separator', () => {
    expect(variants(['files', 'a/b;c', 'd'])).toEqual([
      [['files'], ['a/b;c', 'a/b'], ['d']],
      [['files'], ['a'], ['b;c', 'b'], ['d']],
    ])
  })

  it('is the only kind that is read in two ways', () => {
    expect(variants(['files', 'a%41', 'd'])).toHaveLength(1)
  })
})

describe('folding', () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.constantFrom('Σ', 'ς', 'ß', 'İ', 'ı', 'ſ', 'K'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    ),
  })

  it('keeps a prefix a prefix', () => {
    fc.assert(
      fc.property(text, text, (start, rest) => {
        expect(fold(start + rest).startsWith(fold(start))).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  it('makes the upper and the lower case of anything equal', () => {
    const ascii = fc.string({ unit: 'binary-ascii' })
    fc.assert(
      fc.property(ascii, (word) => {
        expect(fold(word.toUpperCase())).toBe(fold(word.toLowerCase()))
      }),
    )
  })
})
