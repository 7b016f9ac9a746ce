import { ok, type Result, refuse } from '../domain/result.ts'
import { OWN_PREFIX } from './routes.ts'

/** A request target (RFC 9112 section 3.2.1) that every server on the way reads alike. */
export interface Target {
  /** everything before the first `?`, as sent */
  readonly path: string
  /**
   * The path split at `/` and percent-decoded once, without the empty segment after a trailing
   * slash; `[]` for `/`. A segment contains a `/` where the path has an escaped slash.
   */
  readonly segments: readonly string[]
}

const ORIGIN_FORM = /^\/[\x21\x22\x24-\x7e]*$/
/** Paths of users' files. `lighttpd/lua/target.lua` has the same list. */
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
 * Parses a target by the rules of the Lua gate, and rejects with `bad-request` every target that
 * two servers could read as two paths: anything but origin-form in visible ASCII, a fragment,
 * escapes that are broken or not UTF-8, empty or dot segments, backslashes, and controls, however
 * often encoded. `%2F %23 %3F %25 ; %3B` are allowed only in names of files and directories.
 * `/_brickgate…` is rejected, because only the responder serves these pages.
 *
 * The Databricks CLI escapes the whole name of a file, so `%2F` is allowed there, encoded once and
 * not at the end.
 *
 * INVARIANT: every check reads `%2F` as a separator. A server that reads it as part of a name sees
 * fewer segments, and no empty or dot segment that this check missed.
 *
 * Names of files may contain an escape (`00%253A00` is the file `00%3A00`), so `segments` are
 * decoded once, as the workspace does. `policy/path-interpretations.ts` considers further
 * decodings. Outside file names there are none, because `%25` is rejected.
 *
 * @param target a char per byte, as the gate recorded it
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
 * A dot segment also counts in front of `;`, `?` or `#`, where a second parser would cut. A segment
 * that begins with `;` would be empty for servers that drop path parameters (RFC 3986 section 3.3).
 */
function hasName(segment: string): boolean {
  const [name] = segment.split(CUT, 1)
  return segment !== '' && !segment.startsWith(';') && name !== '.' && name !== '..'
}

/**
 * Decodes once; an escape without two hex digits stays text.
 *
 * @returns null for bytes that are not UTF-8
 */
function decode(stage: string): string | null {
  try {
    return stage.replace(ESCAPES, decodeURIComponent)
  } catch {
    return null // decodeURIComponent throws only URIError: the client's bytes are not UTF-8
  }
}

function slashes(stage: string): number {
  return stage.split('/').length
}
