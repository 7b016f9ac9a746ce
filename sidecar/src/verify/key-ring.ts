import { createPublicKey, type KeyObject } from 'node:crypto'
import type { KeySet, KeySource, PublishedKey } from './key-source.ts'

/** The imported keys of an issuer. */
export interface TrustedKeys {
  readonly set: KeySet
  readonly keys: readonly TrustedKey[]
  /**
   * INVARIANT: a new symbol as soon as a key is removed or changed, or a verdict under a withdrawn
   * key would stay cached; added keys keep the symbol
   */
  readonly epoch: symbol
}

export interface TrustedKey {
  readonly published: PublishedKey
  readonly key: KeyObject
  /** equal only for keys that are equal in every respect */
  readonly fingerprint: string
}

/** Imports each key once, however many sets contain it. */
export interface KeyRing {
  /** null without keys, or without fresh keys */
  current(issuerName: string): TrustedKeys | null
}

export function createKeyRing(source: Pick<KeySource, 'current'>): KeyRing {
  const held = new Map<string, TrustedKeys>()
  return {
    current(issuerName) {
      const set = source.current(issuerName)
      if (set === null || set.keys.length === 0) return null
      const known = held.get(issuerName)
      if (known?.set === set) return known
      const next = adopt(set, known)
      held.set(issuerName, next)
      return next
    },
  }
}

/**
 * The only key that fits: by `kid` when the token has a `kid`, else the only key of its kind.
 *
 * @returns null when none fits, or several
 */
export function chooseKey(
  { keys }: TrustedKeys,
  { kid, algorithm }: { readonly kid: string | null; readonly algorithm: string },
): KeyObject | null {
  const fitting = keys.filter(
    ({ published }) =>
      (kid === null || published.kid === kid) &&
      published.algorithms.some((own) => own === algorithm),
  )
  return fitting.length === 1 ? (fitting[0]?.key ?? null) : null
}

function adopt(set: KeySet, known: TrustedKeys | undefined): TrustedKeys {
  const before = new Map(known?.keys.map((key) => [key.fingerprint, key]))
  const keys = set.keys.map((published) => {
    const fingerprint = JSON.stringify(published)
    return before.get(fingerprint) ?? { published, fingerprint, key: importKey(published) }
  })
  const now = new Set(keys.map((key) => key.fingerprint))
  const isSuperset = known?.keys.every((key) => now.has(key.fingerprint)) ?? false
  return { set, keys, epoch: known && isSuperset ? known.epoch : Symbol(set.issuerName) }
}

function importKey({ material }: PublishedKey): KeyObject {
  return createPublicKey({ key: { ...material }, format: 'jwk' })
}
