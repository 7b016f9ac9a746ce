import { execFileSync } from 'node:child_process'
import { type LighttpdProgram, SYSTEM_LIGHTTPD } from '../../launch/gateway.ts'
import { forkyProgram } from './forky.ts'

/** A lighttpd to test against. */
export interface TestedLighttpd {
  readonly version: string
  readonly program: LighttpdProgram
}

/** The lighttpd of this machine and, where it was unpacked, the one of the images. */
export function testedLighttpds(): readonly TestedLighttpd[] {
  const programs = [SYSTEM_LIGHTTPD, ...forkyProgram('lighttpd')]
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
