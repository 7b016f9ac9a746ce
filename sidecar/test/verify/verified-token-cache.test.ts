import { describe, expect, it } from 'vitest'
import {
  createVerifiedTokenCache,
  type VerifiedToken,
} from '../../src/verify/verified-token-cache.ts'

const EPOCH = Symbol('epoch')

function verified(tokenId: string): VerifiedToken {
  const principal = {
    issuer: 'idp',
    subject: 'alice',
    email: null,
    groups: [],
    clientId: null,
    tokenId,
    idpSession: null,
    authTimeSeconds: null,
    issuedAtSeconds: 0,
    notBeforeSeconds: null,
    expiresAtSeconds: 1,
  }
  return { principal, epoch: EPOCH }
}

describe('the cache of verified tokens', () => {
  it('forgets the least recently used entry first', () => {
    const cache = createVerifiedTokenCache(2)
    cache.set('a', verified('a'))
    cache.set('b', verified('b'))
    cache.get('a')
    cache.set('c', verified('c'))
    expect(['a', 'b', 'c'].map((digest) => cache.get(digest)?.principal.tokenId)).toEqual([
      'a',
      undefined,
      'c',
    ])
  })

  it('replaces an entry without forgetting another', () => {
    const cache = createVerifiedTokenCache(2)
    cache.set('a', verified('a'))
    cache.set('b', verified('b'))
    cache.set('b', verified('b2'))
    expect(cache.get('a')?.principal.tokenId).toBe('a')
    expect(cache.get('b')?.principal.tokenId).toBe('b2')
  })

  it('keeps nothing when it has no room', () => {
    const cache = createVerifiedTokenCache(0)
    cache.set('a', verified('a'))
    expect(cache.get('a')).toBeUndefined()
  })
})
