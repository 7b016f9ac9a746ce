import { expect, test } from 'vitest'
import { revocationKeys } from '../../src/revocation/revocation-keys.ts'
import { ALICE } from '../support/session-fixture.ts'

const AB12 = { sid: 'ab12', accessToken: null }

const byRule = (keys: ReturnType<typeof revocationKeys>) => ({
  always: keys.filter((key) => key.refuses === 'always').map((key) => key.name),
  notBefore: keys.filter((key) => key.refuses === 'not-before').map((key) => key.name),
})

test('a token is refused by its id, subject, client, issuer, session at the IdP, and all', () => {
  expect(byRule(revocationKeys(ALICE, null))).toEqual({
    always: ['bg:revoked:token:okta|jti-1'],
    notBefore: [
      'bg:revoked:subject:okta|00u1alice',
      'bg:revoked:issuer:okta',
      'bg:revoked:all',
      'bg:revoked:client:okta|0oa1app',
      'bg:revoked:idp-session:okta|idp-sid-1',
    ],
  })
})

test('a session is refused by all of that, and by its sid', () => {
  const [token, session] = [revocationKeys(ALICE, null), revocationKeys(ALICE, AB12)]
  expect(byRule(session).always).toEqual(['bg:revoked:token:okta|jti-1', 'bg:revoked:session:ab12'])
  expect(byRule(session).notBefore).toEqual(byRule(token).notBefore)
})

test('a session is also refused by the id of the access token that it holds after a refresh', () => {
  const held = (tokenId: string | null) => ({
    ...AB12,
    accessToken: { token: 'eyJ.x.y', expiresAtSeconds: 1, tokenId },
  })
  const before = revocationKeys(ALICE, AB12)
  expect(byRule(revocationKeys(ALICE, held('jti-2'))).always).toEqual([
    ...byRule(before).always,
    'bg:revoked:token:okta|jti-2',
  ])
  for (const same of ['jti-1', null]) expect(revocationKeys(ALICE, held(same))).toEqual(before)
})

test('a claim that a token lacks has no key', () => {
  const names = revocationKeys({ ...ALICE, clientId: null, idpSession: null }, null)
  expect(names.map((key) => key.name)).toEqual([
    'bg:revoked:token:okta|jti-1',
    'bg:revoked:subject:okta|00u1alice',
    'bg:revoked:issuer:okta',
    'bg:revoked:all',
  ])
})

test('a client is a subject of its own beside the client that signed it in', () => {
  const names = revocationKeys({ ...ALICE, subject: 'client:ci', clientId: 'ci' }, null)
  expect(names.map((key) => key.name)).toContain('bg:revoked:subject:okta|client:ci')
  expect(names.map((key) => key.name)).toContain('bg:revoked:client:okta|ci')
})
