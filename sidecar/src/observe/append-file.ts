import { accessSync, closeSync, constants, lstatSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

/** The file name for standard output. */
export const STANDARD_OUTPUT = '-'

/**
 * Opens a log for appending, and creates a missing log. With O_CREAT not even root opens another
 * user's file in a sticky folder (`fs.protected_regular`), so an existing file is opened without
 * O_CREAT.
 *
 * @throws {Error} ENOENT for a link to a missing file
 */
export function openForAppending(file: string): number {
  try {
    return openExisting(file)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
  try {
    return openSync(file, 'ax', 0o640)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    return openExisting(file) // another process created the file meanwhile
  }
}

/** Without O_NONBLOCK a named pipe without a reader would block the caller. */
function openExisting(file: string): number {
  return openSync(file, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK)
}

/**
 * Checks whether a log can be appended to, and creates nothing.
 *
 * @returns why the user of this process cannot append, or null
 */
export function appendProblem(file: string): string | null {
  if (file === STANDARD_OUTPUT) return null
  const isThere = lstatSync(file, { throwIfNoEntry: false }) !== undefined
  try {
    if (isThere) closeSync(openExisting(file))
    else accessSync(dirname(file), constants.W_OK | constants.X_OK)
    return null
  } catch (error) {
    return `\`${file}\` cannot be ${isThere ? 'written' : 'made'} (${codeOf(error) ?? String(error)})`
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error ? String(error.code) : null
}
