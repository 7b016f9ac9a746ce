// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of brickgate.yaml
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { configJsonSchema } from '../../src/config/json-schema.ts'
import { documentWith, MINIMAL } from './config-fixture.ts'

const SCHEMA = z.fromJSONSchema(configJsonSchema() as z.core.JSONSchema.JSONSchema)

function accepts(document: unknown): boolean {
  return SCHEMA.safeParse(document).success
}

describe('the JSON Schema', () => {
  it('accepts the shortest configuration', () => {
    expect(accepts(MINIMAL)).toBe(true)
  })

  it.each([
    ['sessions.keys', ['${file:secrets/session-key}']],
    ['issuers.0.issuer', 'https://${env:OKTA}/oauth2/default'],
    ['issuers.0.preset', '${env:PRESET}'],
    ['redis.url', '${env:REDIS_URL}'],
    ['redis.password', '${file:/run/secrets/redis}'],
    ['redis', { sentinels: ['${env:SENTINEL}'], name: 'brickgate' }],
    ['redis', { cluster: ['redis-1:6379', '${env:NODE}:6379'] }],
    ['tiers.internal.listen', '${env:ADDRESS}:8443'],
    ['headers.user', '${env:USER_HEADER}'],
    ['trusted_proxies', { addresses: ['::1'], mode: '${env:MODE}' }],
    ['trusted_proxies', { addresses: ['::1'], say: '${env:MODE}' }],
  ])('accepts a reference in `%s`', (path, value) => {
    expect(accepts(documentWith(path, value))).toBe(true)
  })

  it.each<[string, unknown]>([
    ['polices', {}],
    ['redis', undefined],
    ['redis', { sentinels: ['redis-1:26379'] }],
    ['redis', { cluster: [] }],
    ['issuers', []],
    ['issuers.0.algorithms', ['HS256']],
    ['issuers.0.preset', 'auth0'],
    ['sessions.keys', ['short']],
    ['sessions.keys', ['${vault:key}']],
    ['tiers.internal.listen', '8443'],
    ['runtime.workers', 0],
    ['workspace.credential', { type: 'none' }],
  ])('refuses in `%s` the value %j', (path, value) => {
    expect(accepts(documentWith(path, value))).toBe(false)
  })
})
