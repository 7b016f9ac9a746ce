import { describe, expect, it } from 'vitest'
import { isCrossSite } from '../../src/authorize/cross-site.ts'
import { type BrowserContext, METHODS } from '../../src/domain/access-request.ts'
import { requestWith } from './check-fixture.ts'

const OURS = 'https://dbx.example.com'
const SILENT: BrowserContext = { origin: null, fetchSite: null, isWebSocketUpgrade: false }

function isRefused(method: string, browser: Partial<BrowserContext>): boolean {
  return isCrossSite({ ...requestWith({}), method, browser: { ...SILENT, ...browser } }, OURS)
}

describe('reading', () => {
  it.each(['GET', 'HEAD'])('by %s is safe, whatever the browser says', (method) => {
    expect(isRefused(method, {})).toBe(false)
    expect(isRefused(method, { origin: 'https://evil.example.com', fetchSite: 'cross-site' })).toBe(
      false,
    )
  })
})

describe('everything else', () => {
  const others = METHODS.filter((method) => method !== 'GET' && method !== 'HEAD')

  it.each([...others, 'get', 'BREW', ''])('by `%s` needs our origin', (method) => {
    expect(isRefused(method, {})).toBe(true)
    expect(isRefused(method, { origin: OURS })).toBe(false)
  })

  it('needs our origin for a WebSocket too, which is a GET', () => {
    expect(isRefused('GET', { isWebSocketUpgrade: true })).toBe(true)
    expect(isRefused('GET', { isWebSocketUpgrade: true, origin: OURS })).toBe(false)
  })

  it.each([
    ['', true],
    ['null', true],
    ['https://dbx.example.com/', true],
    ['https://dbx.example.com:443', true],
    ['HTTPS://DBX.EXAMPLE.COM', true],
    ['http://dbx.example.com', true],
    ['https://dbx.example.com.evil.example', true],
    ['https://evil.example, https://dbx.example.com', true],
    ['https://dbx.example.com https://evil.example', true],
    [OURS, false],
  ])('with the origin `%s` is cross-site: %s', (origin, expected) => {
    expect(isRefused('POST', { origin })).toBe(expected)
    expect(isRefused('POST', { origin, fetchSite: 'same-origin' })).toBe(expected)
  })

  it.each([
    ['same-origin', false],
    ['same-site', true],
    ['cross-site', true],
    ['none', true],
    ['Same-Origin', true],
    ['same-origin, same-origin', true],
    ['', true],
  ])('without an origin and with Sec-Fetch-Site `%s` is cross-site: %s', (fetchSite, expected) => {
    expect(isRefused('POST', { fetchSite })).toBe(expected)
  })
})
