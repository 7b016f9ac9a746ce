/**
 * The gate's rule for targets, written without a look at the gate's scripts.
 *
 * @param sent a char for each byte
 * @returns the target that the workspace must get, null when it must get none
 */
export function expectedForwarding(sent: string): string | null {
  const normal = normalForm(sent)
  const [path = ''] = normal.split('?', 1)
  const isText = !/[\x00-\x1f\x7f]/.test(unescaped(normal)) && isUtf8(unescaped(normal))
  return isText && objectionTo(path) === null ? normal : null
}

const UNRESERVED = /^[A-Za-z0-9._~-]$/
/**
 * characters of a target that need no escape (RFC 3986 section 3.3 and 3.4), beside unreserved ones
 */
const LITERAL = /^[!$&'()*+,/:;=?@]$/

/**
 * lighttpd's normal form: upper-case escapes, unreserved characters unescaped; no authority, no
 * fragment.
 */
export function normalForm(target: string): string {
  const [origin = ''] = target.replace(/^https?:\/\/[^/?#]*/, '').split('#')
  return origin.replace(/%[0-9A-Fa-f]{2}|[^]/g, (one) => {
    if (one.length === 1) return UNRESERVED.test(one) || LITERAL.test(one) ? one : escaped(one)
    const character = String.fromCharCode(Number.parseInt(one.slice(1), 16))
    return UNRESERVED.test(character) ? character : escaped(character)
  })
}

function escaped(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

const FILE_PREFIX = /^\/api\/2\.0\/(fs\/files|fs\/directories|workspace-files)\//

/**
 * A segment that is empty once its parameters are cut off: the sidecar refuses it, the gate does
 * not.
 */
export const NAMELESS = 'segment without a name'

/**
 * Why a path must not go on, null when it may. An escaped slash in a name is a separator for some
 * servers; as such, and however often a server decodes the path, the path stays the same.
 */
export function objectionTo(path: string): string | null {
  if (!/^\/[\x21-\x7e]*$/.test(path)) return 'not printable'
  if (/^\/_brickgate/i.test(path)) return 'ours'
  if (!FILE_PREFIX.test(path) && /;|%(23|25|2F|3F|3B)/i.test(path))
    return 'escapes outside file names'
  if (/%2F$/i.test(path)) return 'ends in an escaped slash'
  const separated = path.replace(/%2F/gi, '/')
  const slashes = separated.split('/').length
  let stage = separated
  for (let decodings = 0; decodings <= 4; decodings += 1) {
    if (stage.split('/').length !== slashes) return 'gains a slash'
    if (stage.includes('//')) return 'empty segment'
    if (/[\x00-\x1f\x7f\\]/.test(stage)) return 'control or backslash'
    if (stage.split('/').some((segment) => /^\.\.?([;?#]|$)/.test(segment))) return 'dot segment'
    if (stage.includes('/;')) return NAMELESS
    if (!isUtf8(stage)) return 'no UTF-8'
    const next = unescaped(stage)
    if (next === stage) return null
    stage = next
  }
  return 'never stable'
}

function unescaped(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

function isUtf8(bytes: string): boolean {
  const buffer = Buffer.from(bytes, 'latin1')
  return Buffer.from(buffer.toString('utf8'), 'utf8').equals(buffer)
}
