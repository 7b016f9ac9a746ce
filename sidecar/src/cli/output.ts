/**
 * Prints to standard output, and waits where the reader is slow.
 *
 * @throws the reader's end as an error with code `EPIPE`
 */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
  })
}

/** Whether the reader of standard output went away, as `head` does. */
export function isReaderGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE'
}

/** A line for a program to read. */
export function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`
}

/** Text of clients in a line for a person: nothing in it moves a terminal's cursor. */
export function plain(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
}
