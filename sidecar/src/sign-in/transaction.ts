import { hash } from 'node:crypto'
import { z } from 'zod'
import { parseJson } from '../domain/json.ts'
import { ok, type Result } from '../domain/result.ts'
import type { StoredValue } from '../domain/stored-value.ts'
import { TIERS, type Tier } from '../domain/tier.ts'
import type { SessionCipher } from '../session/session-cipher.ts'

/** A sign-in that is under way. */
export interface Transaction {
  /** SHA-256 (hex) of `state`; the record names it, so that a copy under another key is none */
  readonly id: string
  readonly tier: Tier
  readonly nonce: string
  readonly codeVerifier: string
  /** SHA-256 (hex) of the cookie of the browser that began it */
  readonly browser: string
  /** where the browser goes afterwards, checked before */
  readonly returnTo: string
  readonly expiresAtSeconds: number
}

/** Where transactions lie. Nothing rejects; what fails is refused with `state-unavailable`. */
export interface TransactionStore {
  /** @returns false when there is one under this key */
  create(key: string, record: string, expiresAtSeconds: number): Promise<Result<boolean>>
  /** reads and deletes in one step: of all who take, one gets it */
  take(key: string): Promise<Result<StoredValue>>
}

/** Transactions, encrypted, each to be taken once. */
export interface Transactions {
  put(state: string, transaction: Omit<Transaction, 'id'>): Promise<Result<void>>
  /** @returns null for a state that is unknown, used or too old */
  take(state: string, nowSeconds: number): Promise<Result<Transaction | null>>
}

const hex = z.string().regex(/^[0-9a-f]{64}$/)

const transactionSchema: z.ZodType<Transaction> = z.strictObject({
  id: hex,
  tier: z.enum(TIERS),
  nonce: z.string(),
  codeVerifier: z.string(),
  browser: hex,
  returnTo: z.string(),
  expiresAtSeconds: z.number(),
})

/** @param cipher of a use of its own: a session must not pass for a transaction, nor the other way round */
export function createTransactions(store: TransactionStore, cipher: SessionCipher): Transactions {
  return {
    put: async (state, transaction) => {
      const id = digest(state)
      const record = await cipher.encrypt(JSON.stringify({ ...transaction, id }))
      const created = await store.create(keyOf(id), record, transaction.expiresAtSeconds)
      return created.ok ? ok(undefined) : created
    },
    take: async (state, nowSeconds) => {
      const id = digest(state)
      const taken = await store.take(keyOf(id))
      if (!taken.ok) return taken
      const plaintext = taken.value.kind === 'text' ? await cipher.decrypt(taken.value.text) : null
      const parsed = transactionSchema.safeParse(parseJson(plaintext ?? ''))
      const isOurs = parsed.success && parsed.data.id === id
      return ok(isOurs && nowSeconds < parsed.data.expiresAtSeconds ? parsed.data : null)
    },
  }
}

/** SHA-256 (hex): what was handed to the browser or the provider is not kept. */
export function digest(secret: string): string {
  return hash('sha256', secret, 'hex')
}

function keyOf(id: string): string {
  return `bg:signin:${id}`
}
