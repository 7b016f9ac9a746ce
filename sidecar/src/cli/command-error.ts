/** How commands end (sysexits.h where it has a word for it). */
export const EXIT = {
  failed: 1,
  /** EX_USAGE: a command line that is not understood */
  usage: 64,
  /** EX_NOINPUT: what was named is not there */
  notFound: 66,
  /** EX_UNAVAILABLE: Redis does not answer */
  unavailable: 69,
} as const

/** A command that ended in a way that one line tells. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(kind: keyof typeof EXIT, message: string) {
    super(message)
    this.name = 'CommandError'
    this.exitCode = EXIT[kind]
  }
}
