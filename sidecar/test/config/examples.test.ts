import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { EXAMPLES, withExample } from '../../src/config/examples.ts'
import { configSchema } from '../../src/config/schema.ts'
import { documentWith } from './config-fixture.ts'

const REFERENCE = /\$\{file:[^}]+\}/g
const OPTIONAL: Readonly<Record<string, object>> = {
  redis: { sentinels: ['a:1'], name: 'a' },
  trusted_proxies: { addresses: ['10.0.0.1'], mode: 'x_forwarded_for' },
  sign_in: { issuer: 'okta', client_id: 'a', client_secret: 'a' },
  tracing: { endpoint: 'http://127.0.0.1' },
}

describe('the schema accepts the example of', () => {
  it.each(Object.entries(EXAMPLES))('%s', (path, example) => {
    const value: unknown = parse(example.replace(REFERENCE, 'A'.repeat(43)))
    expect(configSchema.safeParse(documentFor(path, value)).error?.issues ?? []).toEqual([])
  })
})

describe('a problem names an example', () => {
  it.each([
    ['workspace.id', 'must be the numeric workspace id, such as "1234567890123456"'],
    ['issuers[1].algorithms[0]', 'must be the numeric workspace id, such as [RS256]'],
    ['elsewhere', 'must be the numeric workspace id'],
  ])('of its key: %s', (path, message) => {
    expect(withExample({ path, message: 'must be the numeric workspace id' }).message).toBe(message)
  })

  it.each([
    ['issuers', 'invalid input: expected tuple, received string', /^must be a list, such as \[/],
    ['workspace.id', 'invalid input: expected string, received undefined', /^is missing, such as /],
    ['', 'invalid input: expected object, received null', /^invalid input: .* received null$/],
  ])('in plain words: %s %s', (path, message, expected) => {
    expect(withExample({ path, message }).message).toMatch(expected)
  })

  it('never of a key that is not known', () => {
    expect(withExample({ path: 'redis.db', message: 'is not known' }).message).toBe('is not known')
  })
})

/** The minimal configuration with a value, within its section where that is optional. */
function documentFor(path: string, value: unknown): object {
  const [section = '', key] = path.split('.')
  if (key === undefined || key === 'url' || key === 'cluster') {
    return documentWith(section, key === undefined ? value : { [key]: value })
  }
  if (section === 'issuers') return documentWith(path.replace('.', '.0.'), value)
  const optional = OPTIONAL[section]
  return optional === undefined
    ? documentWith(path, value)
    : documentWith(section, { ...optional, [key]: value })
}
