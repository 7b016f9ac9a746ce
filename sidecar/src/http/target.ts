import { ok, type Result, refuse } from '../domain/result.ts'

/** A request target (RFC 9112 section 3.2.1) that every server on the way reads alike. */
export interface Target {
  /** everything before the first `?`, as sent */
  readonly path: string
  /** the path percent-decoded once and split at `/`, without the empty one after a trailing slash; `[]` for `/` */
  readonly segments: readonly string[]
}

const ORIGIN_FORM = /^\/[\x21\x22\x24-\x7e]*$/
const OBJECT_PATHS = /^\/api\/2\.0\/(?:fs\/files|fs\/directories|workspace-files)\//
const ONLY_IN_OBJECT_NAMES = /;|%(?:23|25|3[BF])/i
const BROKEN_ESCAPE = /%(?![0-9A-Fa-f]{2})/
const ESCAPES = /(?:%[0-9A-Fa-f]{2})+/g
const CONTROL_OR_BACKSLASH = /[\p{Cc}\\]/u
const QUERY = /\?.*/
const CUT = /[;?#]/
const MAX_DECODINGS = 4
const OURS = '_brickgate'

/**
 * Judges a target by the rules of the Lua gate once more, and refuses with `bad-request` what two
 * servers could read as two paths: anything but origin-form in visible ASCII, a fragment, escapes that
 * are broken or not UTF-8, empty or dot segments, backslashes, controls, and escaped slashes, however
 * often encoded. `%23 %3F %25 ; %3B` stand only in names of files and directories. `/_brickgate…` is
 * refused because the responder serves it, never the workspace.
 *
 * Names of files may hold an escape (`00%253A00` is the file `00%3A00`), so `segments` are decoded once,
 * as the workspace does. Further decodings were checked here; what they would mean to a policy is
 * considered in `policy/readings.ts`. Outside file names once is all there is, because `%25` is refused.
 *
 * @param target one char a byte, as the gate recorded it
 */
export function parseTarget(target: string): Result<Target> {
  if (!ORIGIN_FORM.test(target)) return refuse('bad-request')
  const path = target.replace(QUERY, '')
  if (BROKEN_ESCAPE.test(path)) return refuse('bad-request')
  if (ONLY_IN_OBJECT_NAMES.test(path) && !OBJECT_PATHS.test(path)) return refuse('bad-request')
  const once = decode(path)
  if (once === null || !isSafeHoweverOftenDecoded(path)) return refuse('bad-request')

  const segments = once.split('/').filter((segment) => segment !== '')
  if (segments[0]?.toLowerCase().startsWith(OURS)) return refuse('bad-request')
  return ok({ path, segments })
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
