/**
 * A value that the gate must put on the forwarded request, named after the variable that carries it
 * (without the `Variable-` of FastCGI 1.0 section 6.3).
 */
export interface Obligation {
  readonly variable: ObligationVariable
  readonly value: string
}

/** Also in `lighttpd/lua/headers.lua`; `tools/gate-headers.test.ts` compares both files. */
export const OBLIGATION_VARIABLES = [
  'BRICKGATE_USER',
  'BRICKGATE_EMAIL',
  'BRICKGATE_GROUPS',
  'BRICKGATE_GROUPS_STATE',
  'BRICKGATE_TIER',
  'BRICKGATE_AUTHORIZATION',
  'BRICKGATE_COOKIE',
  'BRICKGATE_USER_AGENT',
  'BRICKGATE_WORKSPACE_ID',
] as const

export type ObligationVariable = (typeof OBLIGATION_VARIABLES)[number]

/**
 * Headers of a forwarded request that the gate sets under a fixed name, lower case. No configured
 * header for user, e-mail or groups may have such a name.
 */
export const GATE_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'host',
  'traceparent',
  'user-agent',
  'x-brickgate-groups',
  'x-brickgate-proof',
  'x-brickgate-tier',
  'x-brickgate-upgrade',
  'x-databricks-org-id',
  'x-databricks-workspace-id',
  'x-forwarded-for',
  'x-request-id',
])

const PRINTABLE = /^[\x20-\x7e]*$/

/**
 * INVARIANT: no obligation can end a header line, or a value could add a header of its own.
 *
 * @throws {RangeError} on CR, LF, NUL, any other control and anything outside ASCII
 */
export function obligation(variable: ObligationVariable, value: string): Obligation {
  if (!PRINTABLE.test(value)) throw new RangeError(`${variable} is not printable ASCII`)
  return { variable, value }
}
