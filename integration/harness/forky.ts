import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { HOME } from '../../launch/gateway.ts'

/** Where `make-forky.sh` unpacks programs of Debian testing. */
const FORKY = join(HOME, '.tools/forky')

const LOADER = join(FORKY, 'usr/lib64/ld-linux-x86-64.so.2')

interface Program {
  readonly command: string
  readonly args: readonly string[]
}

/**
 * A program of Debian testing, run with that release's own loader and libraries; nothing where it
 * was not unpacked.
 */
export function forkyProgram(name: 'haproxy' | 'lighttpd'): readonly [] | readonly [Program] {
  if (!existsSync(LOADER)) return []
  const libraries = ['--library-path', join(FORKY, 'usr/lib/x86_64-linux-gnu')]
  const modules = name === 'lighttpd' ? ['-m', join(FORKY, 'usr/lib/lighttpd')] : []
  return [{ command: LOADER, args: [...libraries, join(FORKY, 'usr/sbin', name), ...modules] }]
}
