import { describe, expect, it } from 'vitest'
import { principalOf, read, reasonOf } from './claims-fixture.ts'

describe('a subject or id', () => {
  const badNames = [
    1,
    '',
    'a\tb',
    'a\nb',
    'a\0',
    'é',
    'a\u00a0b',
    'x'.repeat(256),
    '%'.repeat(86),
    ['alice'],
    {},
    true,
  ]
  it.each(
    ['sub', 'jti', 'sid', 'client_id', 'azp'].flatMap((claim) =>
      badNames.map((name) => ({ claim, name })),
    ),
  )('refuses $claim: $name, which cannot be part of a Redis key', ({ claim, name }) => {
    expect(reasonOf(read({ [claim]: name }))).toBe('malformed-token')
  })

  it('accepts names up to 255 bytes', () => {
    expect(principalOf(read({ sub: 'x'.repeat(255) })).subject).toHaveLength(255)
  })

  it.each(['sub', 'jti', 'sid', 'client_id', 'azp'])(
    'writes a space in %s as %%20 and a percent sign as %%25, as keys and headers have them',
    (claim) => {
      const { subject, tokenId, idpSession, clientId } = principalOf(
        read({ sub: 's', [claim]: ' 100 % a%20b' }),
      )
      expect([subject, tokenId, idpSession, clientId]).toContain('%20100%20%25%20a%2520b')
    },
  )

  it('tells a client from a user by what the token says, whatever is written of it', () => {
    const client = { sub: 'a b%', client_id: 'a b%' }
    expect(principalOf(read(client)).subject).toBe('client:a%20b%25')
    expect(principalOf(read({ ...client, sub: 'a%20b%25' })).subject).toBe('a%2520b%2525')
    expect(reasonOf(read({ sub: 'client:a b' }))).toBe('malformed-token')
  })

  it('accepts as many spaces as fit when each takes three bytes', () => {
    expect(principalOf(read({ sub: ' '.repeat(85) })).subject).toBe('%20'.repeat(85))
    expect(reasonOf(read({ sub: ' '.repeat(86) }))).toBe('malformed-token')
  })

  it.each(['sub', 'client_id', 'azp'])('is not %s: null', (claim) => {
    expect(reasonOf(read({ [claim]: null }))).toBe('malformed-token')
  })
})
