/**
 * The result of a single `GET`. A key of the wrong type is a result of its own; it must never read
 * as absent.
 */
export type StoredValue =
  | { readonly kind: 'absent' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'wrong-type' }

export const ABSENT: StoredValue = { kind: 'absent' }
export const WRONG_TYPE: StoredValue = { kind: 'wrong-type' }

export function storedText(text: string): StoredValue {
  return { kind: 'text', text }
}
