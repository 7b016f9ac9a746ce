import { expect, it } from 'vitest'
import { parseAddress, withoutBrackets } from '../../src/domain/address.ts'

it.each([
  ['127.0.0.1:8443', '127.0.0.1', 8443],
  ['gateway.example.com:443', 'gateway.example.com', 443],
  ['[::1]:9464', '::1', 9464],
  ['[::ffff:10.0.0.1]:6379', '::ffff:10.0.0.1', 6379],
  ['fd00::2:6379', 'fd00::2', 6379], // as CLUSTER NODES prints an address
  [':6379', '', 6379],
])('an address %s is host %s and port %i', (text, host, port) => {
  expect(parseAddress(text)).toEqual({ host, port })
})

it.each(['host', 'host:x', ''])('the address %j has no port', (text) => {
  expect(parseAddress(text).port || Number.NaN).toBeNaN()
})

it('a host without brackets stays as it is', () => {
  expect(withoutBrackets('localhost')).toBe('localhost')
})
