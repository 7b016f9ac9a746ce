import { originalsOf } from './mirrors.ts'

/** What servers may take one segment for; never empty, the first is the segment itself. */
export type Readings = readonly [string, ...string[]]

/** A path, as both kinds of policies need it. */
export interface ReadPath {
  readonly plain: readonly Readings[]
  /** the same, folded */
  readonly folded: readonly Readings[]
  /** of the folded path, see `originalsOf` */
  readonly originals: readonly (readonly Readings[])[]
}

/** Every way in which servers may split a path; never empty. */
export type ReadPaths = readonly [ReadPath, ...ReadPath[]]

const ESCAPES = /(?:%[0-9A-Fa-f]{2})+/g
const CUT = /[;?#]/

/**
 * Considers that the workspace, or something before it, may take an escaped slash for a separator or for
 * a part of the name.
 *
 * @param segments decoded once; a `/` inside one stood there escaped
 */
export function readPaths(segments: readonly string[]): ReadPaths {
  const asNamed = readPath(segments)
  if (!segments.some((segment) => segment.includes('/'))) return [asNamed]
  return [asNamed, readPath(segments.flatMap((segment) => segment.split('/')))]
}

/** Considers that names may be decoded once more, or cut at a parameter, query or fragment. */
function readPath(segments: readonly string[]): ReadPath {
  const plain = segments.map(readingsOf)
  const folded = plain.map(([first, ...further]): Readings => [fold(first), ...further.map(fold)])
  return { plain, folded, originals: originalsOf(folded) }
}

/**
 * Makes equal what differs in case alone. Lower case first, so that the Kelvin sign is a `k` and the
 * long s an `s`. INVARIANT: a prefix stays a prefix, because each code point is folded for itself.
 */
export function fold(text: string): string {
  return text.toLowerCase().toUpperCase()
}

/** Each decoding makes a segment shorter, so they come to an end. */
function readingsOf(segment: string): Readings {
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

/** Total: what is not UTF-8 becomes U+FFFD, which no exact name in a permit equals by accident. */
function decode(escapes: string): string {
  return Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8')
}
