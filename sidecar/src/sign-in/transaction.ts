import { hash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { z } from 'zod'
import { parseJson } from '../domain/json.ts'
import { spentSignInKey } from '../domain/redis-keys.ts'
import type { Result } from '../domain/result.ts'
import { TIERS, type Tier } from '../domain/tier.ts'
import { MAX_RETURN_ADDRESS } from '../http/return-address.ts'
import type { RecordCipher } from '../session/record-cipher.ts'

/** An unfinished sign-in. The browser that began it holds it, sealed. */
export interface Transaction {
  readonly state: string
  readonly tier: Tier
  readonly nonce: string
  readonly codeVerifier: string
  /** the page afterwards, already checked */
  readonly returnTo: string
  readonly expiresAtSeconds: number
}

/** Records spent sign-ins. Never rejects; a failure is a refusal with `state-unavailable`. */
export interface SpentSignIns {
  isKnown(key: string): Promise<Result<boolean>>
  /** @returns false when the key was already stored */
  note(key: string, expiresAtSeconds: number): Promise<Result<boolean>>
}

/** Transactions, sealed for the browser, each to be spent once. */
export interface Transactions {
  /** @returns the value of a cookie; null when it would have more than 3,000 characters */
  seal(transaction: Transaction): Promise<string | null>
  /** @returns null for a value with another seal, another `state`, or too great an age */
  open(value: string, state: string, nowSeconds: number): Promise<Transaction | null>
  /**
   * Spends a transaction; across all sidecars only the first call succeeds.
   *
   * @returns false for every other call
   */
  spend(transaction: Transaction): Promise<Result<boolean>>
  isSpent(state: string): Promise<Result<boolean>>
}

/** Under 3 KB with the cookie's name: four of them leave room for other headers. */
const MAX_VALUE = 3000

/**
 * Short names, because the cookie goes with every request of ten minutes. `r` is deflated, because
 * links are long.
 */
const sealedSchema = z.strictObject({
  s: z.string(),
  t: z.enum(TIERS),
  n: z.string(),
  v: z.string(),
  r: z.base64url(),
  e: z.number(),
})

/**
 * @param cipher with a purpose of its own: a session must not pass for a transaction, or the
 *   reverse
 */
export function createTransactions(spent: SpentSignIns, cipher: RecordCipher): Transactions {
  return {
    seal: async ({ state, tier, nonce, codeVerifier, returnTo, expiresAtSeconds }) => {
      const sealed: z.output<typeof sealedSchema> = {
        s: state,
        t: tier,
        n: nonce,
        v: codeVerifier,
        r: deflated(returnTo),
        e: expiresAtSeconds,
      }
      const value = await cipher.encrypt(JSON.stringify(sealed))
      return value.length > MAX_VALUE ? null : value
    },
    open: async (value, state, nowSeconds) => {
      if (value.length > MAX_VALUE) return null
      const plaintext = await cipher.decrypt(value)
      const parsed = sealedSchema.safeParse(parseJson(plaintext ?? ''))
      // INVARIANT: a cookie counts only for the `state` that it was sealed with; otherwise a link
      // could sign a browser in (login CSRF).
      if (!parsed.success || parsed.data.s !== state) return null
      const { t: tier, n: nonce, v: codeVerifier, r, e: expiresAtSeconds } = parsed.data
      if (nowSeconds >= expiresAtSeconds) return null
      return { state, tier, nonce, codeVerifier, returnTo: inflated(r), expiresAtSeconds }
    },
    spend: ({ state, expiresAtSeconds }) =>
      spent.note(spentSignInKey(digest(state)), expiresAtSeconds),
    isSpent: (state) => spent.isKnown(spentSignInKey(digest(state))),
  }
}

/**
 * The part of a cookie's name that identifies a transaction: 64 bits, because `state` is a secret.
 */
export function shortIdOf(state: string): string {
  return digest(state).slice(0, 16)
}

/** SHA-256 (hex): nothing that the browser or the provider received is stored. */
function digest(secret: string): string {
  return hash('sha256', secret, 'hex')
}

/** Deflates the link alone, so that its length reveals nothing about the secrets beside it. */
function deflated(text: string): string {
  return deflateRawSync(text).toString('base64url')
}

/** @throws {RangeError} beyond the longest return address, which is never sealed */
function inflated(base64url: string): string {
  const options = { maxOutputLength: MAX_RETURN_ADDRESS }
  return inflateRawSync(Buffer.from(base64url, 'base64url'), options).toString()
}
