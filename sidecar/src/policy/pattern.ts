import type { SegmentVariants } from './path-interpretations.ts'

/** A path pattern, segment by segment. It matches its path and everything below. */
export type Pattern = readonly Part[]

interface Part {
  readonly kind: 'exact' | 'prefix' | 'any'
  /** empty for `any` */
  readonly text: string
}

const UNMATCHABLE = /[\p{Cc}\\%?#;]/u

/**
 * @returns the problem of a pattern, or null. `/a/b` is `/a/b` and everything below; a segment
 *   `*` is any single segment; a `*` at the very end, as in `/a/b*`, is any rest of that segment;
 *   `/` is every path. A slash at the end is ignored. Names are never percent-encoded.
 */
export function patternProblem(text: string): string | null {
  if (!text.startsWith('/')) return 'must start with /'
  if (!text.isWellFormed() || UNMATCHABLE.test(text)) {
    return 'must not contain % \\ ? # ; or a control character (names stand unescaped, `*` covers the rest)'
  }
  const segments = split(text)
  if (segments.includes('')) return 'must not contain //'
  if (segments.some((segment) => segment === '.' || segment === '..')) {
    return 'must not contain . or .. as a segment'
  }
  return segments.every((segment, at) => isStarInPlace(segment, at === segments.length - 1))
    ? null
    : 'may have a * only as a whole segment, or at the very end'
}

/** @throws {RangeError} when `patternProblem` finds a problem */
export function compilePattern(text: string): Pattern {
  const problem = patternProblem(text)
  if (problem !== null) throw new RangeError(`path pattern \`${text.slice(0, 64)}\` ${problem}`)
  return split(text).map(partOf)
}

/**
 * Whether a pattern matches every reading of a path, as a permit needs. Compares case, because the
 * workspace may know two names that differ only in case, and only one was permitted.
 *
 * @param path unfolded
 */
export function matchesEveryVariant(pattern: Pattern, path: readonly SegmentVariants[]): boolean {
  return covers(pattern, path, isEveryMatch)
}

/**
 * Whether a pattern matches any reading of a path, which is enough for a forbid. Ignores case,
 * because the workspace may ignore case.
 *
 * @param pattern compiled from folded text
 * @param path folded
 */
export function matchesSomeVariant(pattern: Pattern, path: readonly SegmentVariants[]): boolean {
  return covers(pattern, path, isSomeMatch)
}

/** Compares from the end, where patterns differ: nearly all begin with `/api/<version>`. */
function covers(
  pattern: Pattern,
  path: readonly SegmentVariants[],
  isCovered: (part: Part, variants: SegmentVariants) => boolean,
): boolean {
  if (pattern.length > path.length) return false
  for (let at = pattern.length - 1; at >= 0; at--) {
    const part = pattern[at]
    const variants = path[at]
    if (part === undefined || variants === undefined || !isCovered(part, variants)) return false
  }
  return true
}

function isEveryMatch(part: Part, variants: SegmentVariants): boolean {
  for (const text of variants) if (!isMatch(part, text)) return false
  return true
}

function isSomeMatch(part: Part, variants: SegmentVariants): boolean {
  for (const text of variants) if (isMatch(part, text)) return true
  return false
}

function isMatch(part: Part, text: string): boolean {
  switch (part.kind) {
    case 'any':
      return true
    case 'exact':
      return text === part.text
    case 'prefix':
      return text.startsWith(part.text)
  }
}

function partOf(segment: string): Part {
  if (segment === '*') return { kind: 'any', text: '' }
  if (segment.endsWith('*')) return { kind: 'prefix', text: segment.slice(0, -1) }
  return { kind: 'exact', text: segment }
}

function isStarInPlace(segment: string, isLast: boolean): boolean {
  const at = segment.indexOf('*')
  return at < 0 || segment === '*' || (isLast && at === segment.length - 1)
}

function split(pattern: string): readonly string[] {
  if (pattern === '/') return []
  const segments = pattern.slice(1).split('/')
  return segments.at(-1) === '' ? segments.slice(0, -1) : segments
}
