/** Exit codes (from sysexits.h where a code fits). */
export const EXIT = {
  failed: 1,
  /** EX_USAGE: a wrong command line */
  usage: 64,
  /** EX_NOINPUT: no such session or revocation */
  notFound: 66,
  /** EX_UNAVAILABLE: Redis does not answer */
  unavailable: 69,
} as const

/** An error of a command that fits on one line. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(kind: keyof typeof EXIT, message: string) {
    super(message)
    this.name = 'CommandError'
    this.exitCode = EXIT[kind]
  }
}
