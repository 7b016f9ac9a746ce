// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of brickgate.yaml
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ReferenceSource, resolveReferences } from '../../src/config/references.ts'

const ENVIRONMENT = new Map([
  ['HOST', 'redis.example'],
  ['EMPTY', ''],
])
const FILES = new Map([
  ['/run/secret', 'hunter2\n'],
  ['two', 'a\nb\r\n'],
  ['empty', ''],
])
const SOURCE: ReferenceSource = {
  environment: (name) => ENVIRONMENT.get(name) ?? null,
  file: (path) => FILES.get(path) ?? null,
}

function resolve(document: unknown) {
  return resolveReferences(document, SOURCE)
}

describe('a reference is replaced by its value:', () => {
  it.each([
    ['${env:HOST}', 'redis.example'],
    ['redis://${env:HOST}:6379', 'redis://redis.example:6379'],
    ['${env:HOST}${env:HOST}', 'redis.exampleredis.example'],
    ['${env:EMPTY}', ''],
    ['${file:/run/secret}', 'hunter2'],
    ['${file:two}', 'a\nb'],
    ['${file:empty}', ''],
    ['$env:HOST', '$env:HOST'],
    ['${env:HOST', '${env:HOST'],
    ['', ''],
  ])('%s', (text, expected) => {
    expect(resolve({ key: text })).toMatchObject({ document: { key: expected }, problems: [] })
  })

  it('wherever it stands, but not in a key', () => {
    const document = { '${env:HOST}': [{ deep: ['x', '${env:HOST}'] }], n: 1, b: true, none: null }
    expect(resolve(document).document).toEqual({
      '${env:HOST}': [{ deep: ['x', 'redis.example'] }],
      n: 1,
      b: true,
      none: null,
    })
  })
})

it('names each file that was asked for, also one that is not there', () => {
  const { files } = resolve(['${file:/run/secret}', '${file:/nowhere}', '${env:HOST}'])
  expect(files).toEqual(['/run/secret', '/nowhere'])
})

describe('a reference that cannot be resolved is a problem at its path:', () => {
  it.each([
    ['${env:NO_SUCH}', 'env `NO_SUCH` cannot be read'],
    ['${env:}', 'env `` cannot be read'],
    ['${file:/nowhere}', 'file `/nowhere` cannot be read'],
    ['${vault:secret/x}', 'holds a ${ that is no known reference'],
    ['${ENV:HOST}', 'holds a ${ that is no known reference'],
    ['${HOST}', 'holds a ${ that is no known reference'],
    ['${}', 'holds a ${ that is no known reference'],
    ['pa${ss}word', 'holds a ${ that is no known reference'],
  ])('%s', (text, message) => {
    expect(resolve({ issuers: [{ name: text }] }).problems).toEqual([
      { path: 'issuers[0].name', message },
    ])
  })

  it('each of them, in the order of the document', () => {
    const { problems } = resolve({ a: '${env:A}', b: ['${env:B}${env:C}'] })
    expect(problems.map(({ path }) => path)).toEqual(['a', 'b[0]', 'b[0]'])
  })
})

it('leaves a document without references as it is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (document) => {
      fc.pre(!JSON.stringify(document).includes('${'))
      expect(resolve(document)).toEqual({ document, files: [], problems: [] })
    }),
  )
})
