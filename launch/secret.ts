import { existsSync, writeFileSync } from 'node:fs'

/** Writes a secret, a line, into a file that is not there yet; one that is there stays as it is. */
export function makeSecret(file: string, value: string, mode = 0o600): void {
  if (!existsSync(file)) writeFileSync(file, `${value}\n`, { mode, flag: 'wx' })
}
