import { keyName } from '../domain/principal.ts'
import type { JsonObject } from './strict-json.ts'

/**
 * Reads claims by their shape. What is absent reads as null or empty; what is present in another shape
 * does too, and makes the whole token malformed.
 */
export interface ClaimReader {
  has(claim: string): boolean
  text(claim: string): string | null
  /** a subject or id, as `keyName` writes it */
  name(claim: string): string | null
  /** seconds since the Unix epoch, 0 to the year 9999, with fraction (RFC 7519 section 2) */
  seconds(claim: string): number | null
  /** an array of texts */
  list(claim: string): readonly string[]
  /** an array of texts, or one text */
  oneOrMore(claim: string): readonly string[]
  /** an array of texts, or texts separated by spaces (RFC 6749 section 3.3) */
  words(claim: string): readonly string[]
  /** INVARIANT: to be asked after the last claim was read and before any of them is believed */
  isMalformed(): boolean
}

const LAST_SECOND = 253_402_300_799
const MAX_ITEMS = 1_000
const MAX_ITEM_LENGTH = 256

export function createClaimReader(claims: JsonObject): ClaimReader {
  let isMalformed = false
  function has(claim: string): boolean {
    return Object.hasOwn(claims, claim)
  }
  function read<T>(claim: string, fits: (value: unknown) => value is T): T | null {
    if (!has(claim)) return null
    const value = claims[claim]
    if (fits(value)) return value
    isMalformed = true
    return null
  }
  return {
    has,
    text: (claim) => read(claim, isText),
    name(claim) {
      const text = read(claim, isName)
      return text === null ? null : keyName(text)
    },
    seconds: (claim) => read(claim, isSeconds),
    list: (claim) => read(claim, isList) ?? [],
    oneOrMore: (claim) => listOf(read(claim, isTextOrList) ?? [], (text) => [text]),
    words: (claim) => listOf(read(claim, isTextOrList) ?? [], (text) => text.split(' ')),
    isMalformed: () => isMalformed,
  }
}

function listOf(
  value: string | readonly string[],
  split: (text: string) => readonly string[],
): readonly string[] {
  return typeof value === 'string' ? split(value).filter((item) => item !== '') : value
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isName(value: unknown): value is string {
  return isText(value) && keyName(value) !== null
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LAST_SECOND
}

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= MAX_ITEMS && value.every(isItem)
}

// Well-formed, because a lone surrogate cannot be percent-encoded into a header later.
function isItem(value: unknown): boolean {
  return isText(value) && value !== '' && value.length <= MAX_ITEM_LENGTH && value.isWellFormed()
}

function isTextOrList(value: unknown): value is string | readonly string[] {
  return isText(value) || isList(value)
}
