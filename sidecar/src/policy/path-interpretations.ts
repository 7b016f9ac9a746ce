import { originalsOf } from './mirrors.ts'

/**
 * The ways in which servers may read a segment; never empty, and the first is the segment itself.
 */
export type SegmentVariants = readonly [string, ...string[]]

/** A path in the forms that permits and forbids need. */
export interface ReadPath {
  readonly plain: readonly SegmentVariants[]
  /** `plain`, folded */
  readonly folded: readonly SegmentVariants[]
  /** `originalsOf` the folded path */
  readonly originals: readonly (readonly SegmentVariants[])[]
}

/** The ways in which servers may split a path; never empty. */
export type ReadPaths = readonly [ReadPath, ...ReadPath[]]

const ESCAPES = /(?:%[0-9A-Fa-f]{2})+/g
const CUT = /[;?#]/

/**
 * The workspace, or a server before it, may read an escaped slash as a separator or as part of a
 * name.
 *
 * @param segments decoded once; a `/` within a segment was escaped
 */
export function readPaths(segments: readonly string[]): ReadPaths {
  const asNamed = readPath(segments)
  if (!segments.some((segment) => segment.includes('/'))) return [asNamed]
  return [asNamed, readPath(segments.flatMap((segment) => segment.split('/')))]
}

/** Servers may decode names once more, or cut them at a parameter, query or fragment. */
function readPath(segments: readonly string[]): ReadPath {
  const plain = segments.map(variantsOf)
  const folded = plain.map(
    ([first, ...further]): SegmentVariants => [fold(first), ...further.map(fold)],
  )
  return { plain, folded, originals: originalsOf(folded) }
}

/**
 * Makes texts equal that differ only in case. Lower case first, so that the Kelvin sign becomes `k`
 * and the long s `s`.
 *
 * INVARIANT: each code point is folded separately, so a prefix stays a prefix. Otherwise a forbid
 * of a prefix would miss names.
 */
export function fold(text: string): string {
  return text.toLowerCase().toUpperCase()
}

/** Ends, because each decoding makes a segment shorter. */
function variantsOf(segment: string): SegmentVariants {
  const further: string[] = []
  for (let text = segment; ; ) {
    const cut = text.search(CUT)
    if (cut >= 0) further.push(text.slice(0, cut))
    const decoded = text.replace(ESCAPES, decode)
    if (decoded === text) return [segment, ...further]
    further.push(decoded)
    text = decoded
  }
}

/** Bytes that are not UTF-8 become U+FFFD, which no exact name in a permit contains. */
function decode(escapes: string): string {
  return Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8')
}
