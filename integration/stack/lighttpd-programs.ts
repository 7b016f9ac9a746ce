import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  HOME,
  type LighttpdProgram,
  lighttpdVersion,
  SYSTEM_LIGHTTPD,
} from '../../launch/gateway.ts'

/** Where `make-trixie.sh` unpacks Debian 13, whose lighttpd speaks HTTP/2 in authorizer mode. */
export const TRIXIE_ROOT: string = join(HOME, '.tools/trixie')

/** Runs the program of another Debian release with that release's own loader and libraries. */
const TRIXIE_LIGHTTPD: LighttpdProgram = {
  command: join(TRIXIE_ROOT, 'usr/lib64/ld-linux-x86-64.so.2'),
  args: [
    '--library-path',
    join(TRIXIE_ROOT, 'usr/lib/x86_64-linux-gnu'),
    join(TRIXIE_ROOT, 'usr/sbin/lighttpd'),
    '-m',
    join(TRIXIE_ROOT, 'usr/lib/lighttpd'),
  ],
}

/** A lighttpd to test against. */
export interface TestedLighttpd {
  readonly version: string
  readonly program: LighttpdProgram
}

/** The lighttpd of this machine and, where its root was made, the one of Debian 13. */
export function testedLighttpds(): readonly TestedLighttpd[] {
  const programs = [
    SYSTEM_LIGHTTPD,
    ...(existsSync(TRIXIE_LIGHTTPD.command) ? [TRIXIE_LIGHTTPD] : []),
  ]
  const tested = programs.map((program) => ({ version: lighttpdVersion(program), program }))
  return tested.filter(
    (one, at) => tested.findIndex((other) => other.version === one.version) === at,
  )
}
