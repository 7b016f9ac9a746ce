import fc from 'fast-check'
import { CompactEncrypt, type CompactJWEHeaderParameters, UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { createRecordCipher } from '../../src/session/record-cipher.ts'
import { CIPHER, SESSION_KEY_BYTES } from '../support/session-fixture.ts'

const OLD = new Uint8Array(32).fill(2)
const STRANGE = new Uint8Array(32).fill(3)

function jwe(
  header: CompactJWEHeaderParameters,
  key: Uint8Array,
  plaintext = 'x',
): Promise<string> {
  return new CompactEncrypt(Buffer.from(plaintext)).setProtectedHeader(header).encrypt(key)
}

test('decrypts what it encrypted, whatever the text', async () => {
  const text = '{"name":"Zoë \u0000 \u{1f511}"}'
  expect(await CIPHER.decrypt(await CIPHER.encrypt(text))).toBe(text)
})

test('never makes the same record twice', async () => {
  expect(await CIPHER.encrypt('x')).not.toBe(await CIPHER.encrypt('x'))
})

test('keys rotate: the first encrypts, every one decrypts', async () => {
  const before = createRecordCipher([OLD])
  const rotated = createRecordCipher([SESSION_KEY_BYTES, OLD])
  expect(await rotated.decrypt(await before.encrypt('x'))).toBe('x')
  expect(await CIPHER.decrypt(await rotated.encrypt('x'))).toBe('x')
  expect(await before.decrypt(await rotated.encrypt('x'))).toBeNull()
})

test.each([0, 16, 31, 33, 64])('refuses a key of %i bytes', (length) => {
  expect(() => createRecordCipher([new Uint8Array(length)])).toThrow(RangeError)
  expect(() => createRecordCipher([OLD, new Uint8Array(length)])).toThrow(RangeError)
})

describe('does not decrypt', () => {
  const genuine = { alg: 'dir', enc: 'A256GCM', typ: 'bg-session' }

  test('a record with any one bit changed', async () => {
    const record = await CIPHER.encrypt('{"sid":"a"}')
    await fc.assert(
      fc.asyncProperty(fc.nat(record.length - 1), fc.constantFrom(1, 2, 4, 8), async (at, bit) => {
        const changed = String.fromCharCode(record.charCodeAt(at) ^ bit)
        const edited = record.slice(0, at) + changed + record.slice(at + 1)
        // base64url has several spellings of one last byte: those are the same record
        const isSame = hexParts(edited) === hexParts(record)
        expect(isSame ? [null, '{"sid":"a"}'] : [null]).toContain(await CIPHER.decrypt(edited))
      }),
      { numRuns: 60 },
    )
  })

  test('a record of another use, which has a key of its own', async () => {
    const signIns = createRecordCipher([SESSION_KEY_BYTES], 'bg-signin')
    expect(await signIns.decrypt(await signIns.encrypt('x'))).toBe('x')
    const sealedByTheSessionKey = await jwe({ ...genuine, typ: 'bg-signin' }, SESSION_KEY_BYTES)
    expect(await signIns.decrypt(sealedByTheSessionKey)).toBeNull()
    expect(await CIPHER.decrypt(await signIns.encrypt('x'))).toBeNull()
  })

  test('a record of an unknown key', async () => {
    expect(await CIPHER.decrypt(await jwe(genuine, STRANGE))).toBeNull()
    expect(await CIPHER.decrypt(await jwe(genuine, SESSION_KEY_BYTES))).toBe('x')
  })

  test('a record that the key made for another purpose', async () => {
    expect(
      await CIPHER.decrypt(await jwe({ ...genuine, typ: 'bg-signin' }, SESSION_KEY_BYTES)),
    ).toBe(null)
    expect(await CIPHER.decrypt(await jwe({ alg: 'dir', enc: 'A256GCM' }, SESSION_KEY_BYTES))).toBe(
      null,
    )
  })

  test('our key used in another way', async () => {
    const wrapped = await jwe({ ...genuine, alg: 'A256KW' }, SESSION_KEY_BYTES)
    const cbc = await jwe({ ...genuine, enc: 'A128CBC-HS256' }, SESSION_KEY_BYTES)
    const zipped = await jwe({ ...genuine, zip: 'DEF' }, SESSION_KEY_BYTES)
    for (const record of [wrapped, cbc, zipped]) expect(await CIPHER.decrypt(record)).toBeNull()
  })

  test.each([
    ['nothing', ''],
    ['plain JSON', '{"sid":"a","tier":"internal"}'],
    ['dots', '....'],
    ['an unsecured JWT', new UnsecuredJWT({ sid: 'a' }).encode()],
    ['NUL and CRLF', '\u0000\r\n'],
    ['a header that is no JSON', 'AAAA..AAAA.AAAA.AAAA'],
    ['alg none', `${Buffer.from('{"alg":"none","enc":"A256GCM"}').toString('base64url')}..A.A.A`],
    [
      'a short authentication tag',
      `${Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString('base64url')}..AAAAAAAAAAAAAAAA.AAAA.AA`,
    ],
    [
      'an unknown critical header',
      `${Buffer.from('{"alg":"dir","enc":"A256GCM","crit":["x"],"x":1}').toString('base64url')}..A.A.A`,
    ],
  ])('%s', async (_, record) => {
    expect(await CIPHER.decrypt(record)).toBeNull()
  })

  test('any other text', async () => {
    const part = fc.oneof(fc.base64String(), fc.string())
    const shaped = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('.'))
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), shaped), async (record) => {
        expect(await CIPHER.decrypt(record)).toBeNull()
      }),
    )
  })
})

function hexParts(record: string): string {
  const parts = record.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex'))
  return parts.join('.')
}
