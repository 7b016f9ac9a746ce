import { describe, expect, it } from 'vitest'
import { configSchema } from '../../src/config/schema.ts'
import { schemaProblems } from '../../src/domain/problem.ts'
import { documentWith } from './config-fixture.ts'

const ADDRESS = 'redis-1.example.com:26379'

function problems(redis: unknown): readonly string[] {
  const { error } = configSchema.safeParse(documentWith('redis', redis))
  if (error === undefined) return []
  return schemaProblems(error).map(({ path, message }) => `${path}: ${message}`)
}

const PAIR = { client_certificate_file: 'client.pem', client_key_file: 'client.key' }

describe('a Redis may be described as', () => {
  it.each<[string, object]>([
    ['a URL', { url: 'redis://127.0.0.1' }],
    ['a URL with certificates', { url: 'rediss://redis.example.com', ca_file: 'ca.pem', ...PAIR }],
    ['Sentinels', { sentinels: [ADDRESS], name: 'brickgate' }],
    [
      'Sentinels with all there is',
      {
        sentinels: [ADDRESS, '[::1]:26379', '10.0.0.1:26379'],
        name: 'brickgate',
        db: 3,
        username: 'gate',
        password: 'secret',
        sentinel_username: 'gate',
        sentinel_password: 'secret',
        tls: true,
        ca_file: 'ca.pem',
        ...PAIR,
      },
    ],
    ['a Cluster', { cluster: [ADDRESS] }],
    [
      'a Cluster with all there is',
      { cluster: [ADDRESS], username: 'gate', password: 'secret', ca_file: 'ca.pem', ...PAIR },
    ],
    ['a Cluster expressly without TLS', { cluster: [ADDRESS], tls: false }],
  ])('%s', (_, redis) => {
    expect(problems(redis)).toEqual([])
  })
})

describe('every problem is at its path, in the form that was meant:', () => {
  it.each<[string, unknown, readonly string[]]>([
    ['nothing', {}, ['redis.url: invalid input: expected string, received undefined']],
    ['no section', 'redis://127.0.0.1', ['redis: invalid input: expected object, received string']],
    [
      'Sentinels without a name',
      { sentinels: [ADDRESS] },
      ['redis.name: invalid input: expected string, received undefined'],
    ],
    [
      'an address without a port, and one more mistake',
      { sentinels: [ADDRESS, 'redis-2'], name: 'x', user: 'x' },
      [
        'redis.sentinels[1]: must be host:port',
        'redis.sentinels[1]: must end with a port',
        'redis.user: is not known',
      ],
    ],
    ['a database of a Cluster', { cluster: [ADDRESS], db: 1 }, ['redis.db: is not known']],
    [
      'a URL beside a Cluster',
      { url: 'redis://x', cluster: [ADDRESS] },
      ['redis.cluster: is not known'],
    ],
    [
      'a port that is none',
      { cluster: ['redis-1:70000'] },
      ['redis.cluster[0]: must end with a port'],
    ],
    [
      'a certificate without its key',
      { url: 'rediss://x', client_certificate_file: 'client.pem' },
      ['redis.client_key_file: belongs to client_certificate_file'],
    ],
    [
      'a key without its certificate',
      { cluster: [ADDRESS], client_key_file: 'client.key' },
      ['redis.client_certificate_file: belongs to client_key_file'],
    ],
    [
      'certificates for plain TCP',
      { cluster: [ADDRESS], tls: false, ca_file: 'ca.pem' },
      ['redis.ca_file: needs tls'],
    ],
  ])('%s', (_, redis, expected) => {
    expect(problems(redis)).toEqual(expected)
  })

  it('no Sentinel at all', () => {
    expect(problems({ sentinels: [], name: 'x' })[0]).toMatch(/^redis\.sentinels\[0\]: /)
  })
})
