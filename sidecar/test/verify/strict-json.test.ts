import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseStrictObject } from '../../src/verify/strict-json.ts'

describe('parseStrictObject', () => {
  it.each([
    ['{}', {}],
    ['{"a":1,"b":{"a":1}}', { a: 1, b: { a: 1 } }],
    ['{"a":"x:y","b:c":"\\"quoted\\": \\\\"}', { a: 'x:y', 'b:c': '"quoted": \\' }],
    ['{"a":[{"b":1},{"b":2}]}', { a: [{ b: 1 }, { b: 2 }] }],
  ])('reads %s', (text, value) => {
    expect(parseStrictObject(text)).toEqual(value)
  })

  it.each([
    ['nothing', ''],
    ['an array', '[]'],
    ['null', 'null'],
    ['a text', '"a"'],
    ['a number', '1'],
    ['a comment', '{/**/}'],
    ['a trailing comma', '{"a":1,}'],
    ['a byte order mark', '\ufeff{}'],
    ['a name that stands twice', '{"a":1,"a":1}'],
    ['a name that stands twice in another spelling', '{"a":1,"\\u0061":2}'],
    ['a name that stands twice further down', '{"a":[{"b":{"c":1,"c":2}}]}'],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}'],
  ])('refuses %s', (_, text) => {
    expect(parseStrictObject(text)).toBeNull()
  })

  it('keeps __proto__ as a member like any other', () => {
    const value = parseStrictObject('{"__proto__":{"sub":"admin"}}')
    expect(value && Object.hasOwn(value, '__proto__')).toBe(true)
    expect(value && 'sub' in value).toBe(false)
  })

  it('survives nesting as deep as a token can hold', () => {
    const depth = 12_000
    const text = `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
    expect(parseStrictObject(text)).not.toBeNull()
  })

  it('reads every object that JSON can write, and refuses it with one member repeated', () => {
    const objects = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { minKeys: 1 })
    fc.assert(
      fc.property(objects, (object) => {
        const text = JSON.stringify(object)
        const [name] = Object.keys(object)
        const twice = `${text.slice(0, -1)},${JSON.stringify(name)}:0}`
        expect(JSON.stringify(parseStrictObject(text))).toBe(text)
        expect(parseStrictObject(twice)).toBeNull()
      }),
    )
  })
})
