/**
 * Prints to standard output, and waits for a slow reader.
 *
 * @throws an error with code `EPIPE` when the reader is gone
 */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
  })
}

/** Whether the reader of standard output is gone, as with `head`. */
export function isReaderGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE'
}

/** A JSON line for programs. */
export function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`
}

/** Client text in a line for people: it contains nothing that moves a terminal's cursor. */
export function plain(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
}
