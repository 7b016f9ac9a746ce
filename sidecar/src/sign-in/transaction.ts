import { hash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { z } from 'zod'
import { parseJson } from '../domain/json.ts'
import { spentSignInKey } from '../domain/redis-keys.ts'
import type { Result } from '../domain/result.ts'
import { TIERS, type Tier } from '../domain/tier.ts'
import { MAX_RETURN_ADDRESS } from '../http/return-address.ts'
import type { RecordCipher } from '../session/record-cipher.ts'

/** A sign-in that is under way. The browser that began it holds it, sealed. */
export interface Transaction {
  readonly state: string
  readonly tier: Tier
  readonly nonce: string
  readonly codeVerifier: string
  /** where the browser goes afterwards, checked before */
  readonly returnTo: string
  readonly expiresAtSeconds: number
}

/** Notes which sign-ins are spent. Nothing rejects; failures are refused with `state-unavailable`. */
export interface SpentSignIns {
  isKnown(key: string): Promise<Result<boolean>>
  /** @returns false when the key was noted before */
  note(key: string, expiresAtSeconds: number): Promise<Result<boolean>>
}

/** Transactions, sealed for the browser, each to be spent once. */
export interface Transactions {
  /** @returns the value of a cookie; null when it would have more than 3,000 characters */
  seal(transaction: Transaction): Promise<string | null>
  /** @returns null for a value that we did not seal, that is of another `state`, or that is too old */
  open(value: string, state: string, nowSeconds: number): Promise<Transaction | null>
  /** Of all who spend a transaction, on whatever sidecar, one succeeds. @returns false to the others */
  spend(transaction: Transaction): Promise<Result<boolean>>
  isSpent(state: string): Promise<Result<boolean>>
}

/** With the cookie's name under 3 KB: four of them leave room for other headers. */
const MAX_VALUE = 3000

/** Short names: a cookie goes with every request of ten minutes. `r` is deflated, as links are long. */
const sealedSchema = z.strictObject({
  s: z.string(),
  t: z.enum(TIERS),
  n: z.string(),
  v: z.string(),
  r: z.base64url(),
  e: z.number(),
})

/** @param cipher of a use of its own: a session must not pass for a transaction, nor the other way round */
export function createTransactions(spent: SpentSignIns, cipher: RecordCipher): Transactions {
  return {
    seal: async ({ state, tier, nonce, codeVerifier, returnTo, expiresAtSeconds }) => {
      const sealed: z.output<typeof sealedSchema> = {
        ...{ s: state, t: tier, n: nonce, v: codeVerifier },
        ...{ r: deflated(returnTo), e: expiresAtSeconds },
      }
      const value = await cipher.encrypt(JSON.stringify(sealed))
      return value.length > MAX_VALUE ? null : value
    },
    open: async (value, state, nowSeconds) => {
      if (value.length > MAX_VALUE) return null
      const plaintext = await cipher.decrypt(value)
      const parsed = sealedSchema.safeParse(parseJson(plaintext ?? ''))
      // INVARIANT: a cookie counts for the very `state` that it was sealed with (login CSRF).
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

/** The part of a cookie's name that stands for a transaction: 64 bits, for `state` is a secret. */
export function shortIdOf(state: string): string {
  return digest(state).slice(0, 16)
}

/** SHA-256 (hex): nothing that was handed to the browser or the provider is kept. */
function digest(secret: string): string {
  return hash('sha256', secret, 'hex')
}

/** Alone, so that its length says nothing of the secrets beside it. */
function deflated(text: string): string {
  return deflateRawSync(text).toString('base64url')
}

/** @throws {RangeError} beyond the longest return address, which nobody seals */
function inflated(base64url: string): string {
  const options = { maxOutputLength: MAX_RETURN_ADDRESS }
  return inflateRawSync(Buffer.from(base64url, 'base64url'), options).toString()
}
