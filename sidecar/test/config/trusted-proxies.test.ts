import { describe, expect, it } from 'vitest'
import { formerNames } from '../../src/config/load.ts'
import { configSchema } from '../../src/config/schema.ts'
import { schemaProblems } from '../../src/domain/problem.ts'
import { documentWith } from './config-fixture.ts'

function problemPaths(document: unknown): readonly string[] {
  const { error } = configSchema.safeParse(document)
  return error === undefined ? [] : schemaProblems(error).map(({ path }) => path)
}

describe('trusted_proxies', () => {
  it.each(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::1'])('takes %s', (address) => {
    const section = { addresses: [address], mode: 'proxy_protocol' }
    expect(problemPaths(documentWith('trusted_proxies', section))).toEqual([])
  })

  it.each(['', 'all', '10.0.0.0/33', '10.0.0.1 10.0.0.2', '*', '10.0.0.0/8" => "trust'])(
    'refuses %j as an address',
    (address) => {
      const section = { addresses: [address], mode: 'x_forwarded_for' }
      expect(problemPaths(documentWith('trusted_proxies', section))).toHaveLength(1)
    },
  )

  it.each<[string, object, string]>([
    ['no addresses', { addresses: [], mode: 'x_forwarded_for' }, 'trusted_proxies.addresses[0]'],
    ['no mode', { addresses: ['::1'] }, 'trusted_proxies.mode'],
    ['an unknown mode', { addresses: ['::1'], mode: 'via' }, 'trusted_proxies.mode'],
    [
      'an unknown mode under its former name',
      { addresses: ['::1'], say: 'via' },
      'trusted_proxies.say',
    ],
    [
      'both names of the mode',
      { addresses: ['::1'], mode: 'proxy_protocol', say: 'proxy_protocol' },
      'trusted_proxies.say',
    ],
  ])('rejects %s', (_, section, path) => {
    expect(problemPaths(documentWith('trusted_proxies', section))).toEqual([path])
  })

  it.each(['mode', 'say'])('reads the mode from `%s`', (name) => {
    const section = { addresses: ['::1'], [name]: 'proxy_protocol' }
    const { trusted_proxies } = configSchema.parse(documentWith('trusted_proxies', section))
    expect(trusted_proxies).toEqual({ addresses: ['::1'], mode: 'proxy_protocol' })
  })

  it.each<[string, readonly string[]]>([
    ['say', ['trusted_proxies.say']],
    ['mode', []],
  ])('warns of `%s` at %j', (name, paths) => {
    const document = documentWith('trusted_proxies', {
      addresses: ['::1'],
      [name]: 'x_forwarded_for',
    })
    expect(formerNames(document).map(({ path }) => path)).toEqual(paths)
  })
})
