import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The version of this gateway, from package.json. */
export const VERSION: string = readVersion(join(import.meta.dirname, '../../../package.json'))

function readVersion(file: string): string {
  const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    return String(manifest.version)
  }
  throw new Error(`no version in \`${file}\``)
}
