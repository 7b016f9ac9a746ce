import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { Visitor } from './browser.ts'

/** A `Set-Cookie` that removes a sign-in which is over. */
export const FORGOTTEN_SIGN_IN: RegExp =
  /^__Host-brickgate-signin-[0-9a-f]{16}=; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=0$/

/** The callback to which the provider sends a browser that signed in there as alice. */
export async function callbackOf(browser: Visitor): Promise<URL> {
  const begun = await browser.load(`${browser.home}/_brickgate/sign-in`)
  return browser.signInAtProvider(browser.redirectOf(begun), 'alice')
}

/** The text of a page of ours. */
export async function pageOf(response: Response): Promise<string> {
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  expect(response.headers.get('cache-control')).toBe('no-store')
  return response.text()
}

/** Expects a callback to explain why it signs nobody in. */
export async function expectRefused(browser: Visitor, callback: URL, status = 400): Promise<void> {
  const response = await browser.load(callback)
  expect(response.status).toBe(status)
  const page = await pageOf(response)
  expect(page).toMatch(/<h1>(This sign-in is over|Sign-in was refused)<\/h1>/)
  for (const value of callback.searchParams.values()) expect(page).not.toContain(value)
  for (const line of response.headers.getSetCookie()) expect(line).toMatch(FORGOTTEN_SIGN_IN)
  expect(browser.sessionId()).toBe('')
}

/** The key that notes a sign-in as spent. */
export function spentKey(state: string): string {
  return `bg:signin:${createHash('sha256').update(state).digest('hex')}`
}
