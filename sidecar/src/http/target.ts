import { ok, type Result, refuse } from '../domain/result.ts'
import { OWN_PREFIX } from './routes.ts'

/** A request target (RFC 9112 section 3.2.1) that every server on the way reads alike. */
export interface Target {
  /** everything before the first `?`, as sent */
  readonly path: string
  /**
   * The path split at `/` and percent-decoded once, without the empty segment after a trailing slash;
   * `[]` for `/`. A segment holds a `/` where the path holds an escaped one.
   */
  readonly segments: readonly string[]
}

const ORIGIN_FORM = /^\/[\x21\x22\x24-\x7e]*$/
/** Below these stand names of users' files. `lighttpd/lua/target.lua` has the same list. */
export const FILE_PREFIXES: readonly string[] = [
  '/api/2.0/fs/files/',
  '/api/2.0/fs/directories/',
  '/api/2.0/workspace-files/',
]
const ESCAPED_SLASH = /%2F/gi
const ENDS_IN_ESCAPED_SLASH = /%2F$/i
const ONLY_IN_FILE_NAMES = /;|%(?:2[35F]|3[BF])/i
const BROKEN_ESCAPE = /%(?![0-9A-Fa-f]{2})/
const ESCAPES = /(?:%[0-9A-Fa-f]{2})+/g
const CONTROL_OR_BACKSLASH = /[\p{Cc}\\]/u
const QUERY = /\?.*/
const CUT = /[;?#]/
const MAX_DECODINGS = 4
const OURS = OWN_PREFIX.slice(1)

/**
 * Judges a target by the rules of the Lua gate once more, and refuses with `bad-request` what two
 * servers could read as two paths: anything but origin-form in visible ASCII, a fragment, escapes that
 * are broken or not UTF-8, empty or dot segments, backslashes, and controls, however often encoded.
 * `%2F %23 %3F %25 ; %3B` stand only in names of files and directories. `/_brickgate…` is refused
 * because the responder serves these pages, never the workspace.
 *
 * The Databricks CLI escapes the whole name of a file, so `%2F` may stand in one, once encoded and not
 * at the end. INVARIANT: every check reads `%2F` as a separator; a server that reads a part of the name
 * sees fewer segments, and none that is empty or a dot segment.
 *
 * Names of files may hold an escape (`00%253A00` is the file `00%3A00`), so `segments` are decoded once,
 * as the workspace does. Further decodings were checked here; what they would mean to a policy is
 * considered in `policy/path-interpretations.ts`. Outside file names once is all there is, because `%25` is refused.
 *
 * @param target one char a byte, as the gate recorded it
 */
export function parseTarget(target: string): Result<Target> {
  if (!ORIGIN_FORM.test(target)) return refuse('bad-request')
  const path = target.replace(QUERY, '')
  if (BROKEN_ESCAPE.test(path)) return refuse('bad-request')
  if (ONLY_IN_FILE_NAMES.test(path) && !isFilePath(path)) return refuse('bad-request')
  if (ENDS_IN_ESCAPED_SLASH.test(path)) return refuse('bad-request')
  if (!isSafeHoweverOftenDecoded(path.replace(ESCAPED_SLASH, '/'))) return refuse('bad-request')

  const segments = segmentsOf(path)
  if (segments === null) return refuse('bad-request')
  if (segments[0]?.toLowerCase().startsWith(OURS)) return refuse('bad-request')
  return ok({ path, segments })
}

function isFilePath(path: string): boolean {
  return FILE_PREFIXES.some((prefix) => path.startsWith(prefix))
}

function segmentsOf(path: string): readonly string[] | null {
  const segments: string[] = []
  for (const part of path.split('/')) {
    const segment = decode(part)
    if (segment === null) return null
    if (segment !== '') segments.push(segment)
  }
  return segments
}

function isSafeHoweverOftenDecoded(path: string): boolean {
  let stage = path
  for (let decodings = 0; decodings <= MAX_DECODINGS; decodings++) {
    if (!isSafe(stage)) return false
    const next = decode(stage)
    if (next === stage) return true
    if (next === null || slashes(next) !== slashes(stage)) return false
    stage = next
  }
  return false
}

function isSafe(stage: string): boolean {
  if (CONTROL_OR_BACKSLASH.test(stage)) return false
  const [, ...segments] = stage.endsWith('/') ? stage.slice(0, -1).split('/') : stage.split('/')
  return segments.every(hasName)
}

/**
 * A dot segment is one also before what a second parser would cut off. Servers that drop path parameters
 * (RFC 3986 section 3.3) would be left with an empty segment where `;` comes first.
 */
function hasName(segment: string): boolean {
  const [name] = segment.split(CUT, 1)
  return segment !== '' && !segment.startsWith(';') && name !== '.' && name !== '..'
}

/** One decoding; an escape that is not two hex digits is text. Null for what is not UTF-8. */
function decode(stage: string): string | null {
  try {
    return stage.replace(ESCAPES, decodeURIComponent)
  } catch {
    return null // URIError is all that decodeURIComponent throws: the client's bytes are not UTF-8
  }
}

function slashes(stage: string): number {
  return stage.split('/').length
}
