import { existsSync, writeFileSync } from 'node:fs'

/** Writes a secret, a line, into a new file; an existing file stays as it is. */
export function makeSecret(file: string, value: string, mode = 0o600): void {
  if (!existsSync(file)) writeFileSync(file, `${value}\n`, { mode, flag: 'wx' })
}
