import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { HOME, type LighttpdProgram, SYSTEM_LIGHTTPD } from '../../launch/gateway.ts'

/** Where `make-forky.sh` unpacks programs of Debian testing. */
const FORKY = join(HOME, '.tools/forky')

/** Runs a program of another Debian release with that release's own loader and libraries. */
const FORKY_LIGHTTPD: LighttpdProgram = {
  command: join(FORKY, 'usr/lib64/ld-linux-x86-64.so.2'),
  args: [
    '--library-path',
    join(FORKY, 'usr/lib/x86_64-linux-gnu'),
    join(FORKY, 'usr/sbin/lighttpd'),
    '-m',
    join(FORKY, 'usr/lib/lighttpd'),
  ],
}

/** A lighttpd to test against. */
export interface TestedLighttpd {
  readonly version: string
  readonly program: LighttpdProgram
}

/** The lighttpd of this machine and, where it was unpacked, the one of the images. */
export function testedLighttpds(): readonly TestedLighttpd[] {
  const programs = [
    SYSTEM_LIGHTTPD,
    ...(existsSync(FORKY_LIGHTTPD.command) ? [FORKY_LIGHTTPD] : []),
  ]
  const tested = programs.map((program) => ({ version: lighttpdVersion(program), program }))
  return tested.filter(
    (one, at) => tested.findIndex((other) => other.version === one.version) === at,
  )
}

function lighttpdVersion({ command, args }: LighttpdProgram): string {
  const banner = execFileSync(command, [...args, '-v'], { encoding: 'utf8' })
  const version = /lighttpd\/(\d+\.\d+\.\d+)/.exec(banner)?.[1]
  if (version === undefined) throw new Error(`no version of lighttpd in \`${banner}\``)
  return version
}
