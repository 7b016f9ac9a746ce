import { keyName } from '../domain/principal.ts'
import { ok, type Result, refuse } from '../domain/result.ts'
import { isObject, type JsonObject } from './strict-json.ts'

/** The place of a claim: a member of the token, or a path of names through objects. */
export type Claim = string | readonly [string, ...string[]]

/**
 * Reads claims by their shape. An absent claim reads as null or empty. A claim of another shape
 * reads the same, and makes the whole token malformed. Null counts as absent for informational
 * claims.
 */
export interface ClaimReader {
  /** whether the claim is present; null counts as present, unless the claim is informational */
  has(claim: Claim): boolean
  text(claim: Claim): string | null
  /** a subject or id, as `keyName` writes it */
  name(claim: Claim): string | null
  /** seconds since the Unix epoch, 0 to the year 9999, with fraction (RFC 7519 section 2) */
  seconds(claim: string): number | null
  /** an array of texts */
  list(claim: string): readonly string[]
  /** an array of texts, or a single text */
  oneOrMore(claim: string): readonly string[]
  /** an array of texts, or texts separated by spaces (RFC 6749 section 3.3) */
  words(claim: string): readonly string[]
  /**
   * INVARIANT: callers check this after reading the last claim and before trusting any. Otherwise a
   * malformed claim would count as absent.
   */
  malformedClaim(): Claim | null
}

/** Claims whose absence an issuer may write as null; each is optional. */
const INFORMING: ReadonlySet<string> = new Set([
  'auth_time',
  'jti',
  'nbf',
  'scope',
  'scp',
  'sid',
  'uti',
])

const LAST_SECOND = 253_402_300_799
const MAX_ITEMS = 1_000
const MAX_ITEM_LENGTH = 256

/**
 * The value of a path that leads through something other than an object; no claim has its shape.
 */
const ASTRAY: unknown = Object.freeze({})

export function createClaimReader(claims: JsonObject): ClaimReader {
  let malformed: Claim | null = null
  function valueOf(claim: Claim): unknown {
    const value = claimAt(claims, claim)
    const isLeftOut = value === null && typeof claim === 'string' && INFORMING.has(claim)
    return isLeftOut ? undefined : value
  }
  function read<T>(claim: Claim, fits: (value: unknown) => value is T): T | null {
    const value = valueOf(claim)
    if (value === undefined) return null
    if (fits(value)) return value
    malformed ??= claim
    return null
  }
  return {
    has: (claim) => valueOf(claim) !== undefined,
    text: (claim) => read(claim, isText),
    name(claim) {
      const text = read(claim, isName)
      return text === null ? null : keyName(text)
    },
    seconds: (claim) => read(claim, isSeconds),
    list: (claim) => read(claim, isList) ?? [],
    oneOrMore: (claim) => listOf(read(claim, isTextOrList) ?? [], (text) => [text]),
    words: (claim) => listOf(read(claim, isTextOrList) ?? [], (text) => text.split(' ')),
    malformedClaim: () => malformed,
  }
}

/** @returns undefined for an absent claim, also for null in place of an object on the path */
export function claimAt(claims: JsonObject, claim: Claim): unknown {
  if (typeof claim === 'string') return memberOf(claims, claim)
  let value: unknown = claims
  for (const name of claim) {
    if (value === null || value === undefined) return undefined
    value = isObject(value) ? memberOf(value, name) : ASTRAY
    if (value === ASTRAY) return ASTRAY
  }
  return value
}

function memberOf(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/**
 * The groups of a token: an array of texts, or a single text, which is one group. Empty items are
 * skipped.
 *
 * INVARIANT: all groups are read or the token is rejected, because a forbid may depend on the
 * missing group.
 */
export function groupsAt(claims: JsonObject, claim: Claim): Result<readonly string[]> {
  const value = claimAt(claims, claim)
  if (value === undefined || value === null) return ok([])
  const items = isText(value) ? [value] : value
  if (isListOf(items, isGroup)) return ok(items.filter((item) => item !== ''))
  return refuse('groups-unusable', claimLabel(claim))
}

/** A claim's name in messages: from this code or the configuration, never from a token. */
export function claimLabel(claim: Claim): string {
  const name = typeof claim === 'string' ? claim : claim.join('.')
  return name.replace(/[^\x21-\x7e]/g, '?')
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

function isListOf(
  value: unknown,
  isOne: (item: unknown) => item is string,
): value is readonly string[] {
  return Array.isArray(value) && value.length <= MAX_ITEMS && value.every(isOne)
}

function isList(value: unknown): value is readonly string[] {
  return isListOf(value, isItem)
}

function isItem(value: unknown): value is string {
  return value !== '' && isGroup(value)
}

// Well-formed, because a lone surrogate cannot be percent-encoded into a header later.
function isGroup(value: unknown): value is string {
  return isText(value) && value.length <= MAX_ITEM_LENGTH && value.isWellFormed()
}

function isTextOrList(value: unknown): value is string | readonly string[] {
  return isText(value) || isList(value)
}
