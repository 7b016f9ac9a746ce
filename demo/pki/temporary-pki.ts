import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPki, type Pki } from './create-pki.ts'

/** A PKI for one test file. */
export interface TemporaryPki<Name extends string> {
  /** the files, for processes */
  readonly files: Pki<Name>
  /** PEM text of the CA certificate */
  readonly ca: string
  /** PEM texts of one server */
  load(name: Name): Promise<{ readonly cert: string; readonly key: string }>
  remove(): Promise<void>
}

/**
 * Makes a PKI in a temporary directory of its own.
 *
 * @param names as for `createPki`
 */
export async function createTemporaryPki<Name extends string>(
  names: Readonly<Record<Name, readonly [string, ...string[]]>>,
): Promise<TemporaryPki<Name>> {
  const directory = await mkdtemp(join(tmpdir(), 'brickgate-pki-'))
  const files = await createPki(directory, names)
  return {
    files,
    ca: await readFile(files.ca, 'utf8'),
    async load(name) {
      const { cert, key } = files.servers[name]
      return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }
    },
    remove: () => rm(directory, { recursive: true }),
  }
}
