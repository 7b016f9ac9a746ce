import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'

const LOOK_EVERY_MS = 1000

/**
 * Calls back when the content of any of the files changes. The content itself is read once a
 * second, because change notices of the kernel miss files that are mounted into a container or
 * replaced by a rename.
 *
 * @param files called each time, because a new configuration may name other files
 * @returns a function that stops the watch
 */
export function watchFiles(files: () => readonly string[], onChange: () => void): () => void {
  let known = fingerprint(files())
  const timer = setInterval(() => {
    const found = fingerprint(files())
    if (found === known) return
    known = found
    onChange()
  }, LOOK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}

function fingerprint(files: readonly string[]): string {
  return files.map((file) => `${file}:${contentHash(file)}`).join('\n')
}

function contentHash(file: string): string {
  try {
    return hash('sha256', readFileSync(file), 'base64url')
  } catch {
    return 'unreadable'
  }
}
