import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOME } from '../../launch/gateway.ts'

const RULE = join(HOME, 'lighttpd/conf.d/http2.sh')

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'brickgate-http2-'))
})

afterAll(() => rmSync(folder, { recursive: true }))

describe('HTTP/2', () => {
  it.each(['1.4.69', '1.4.76', '1.4.77', '1.4.79', '1.4.81', '1.4.82', '0.9.99'])(
    'HTTP/2 is not offered by lighttpd %s, where broken-off answers would arrive as complete',
    (version) => {
      expect(printedFor(`lighttpd/${version} (ssl) - a light and fast webserver`)).toBe(
        'var.http2 = "disable"\n',
      )
    },
  )

  it.each(['1.4.83', '1.4.85', '1.4.100', '1.5.0', '2.0.1'])(
    'HTTP/2 is offered by lighttpd %s',
    (version) => {
      expect(printedFor(`lighttpd/${version} - a light and fast webserver`)).toBe(
        'var.http2 = "enable"\n',
      )
    },
  )

  it('lighttpd 1.4.80 does not start, whose request trailers become headers', () => {
    expect(() => printedFor('lighttpd/1.4.80 (ssl)')).toThrow(/1\.4\.80 lets trailers/)
  })

  it.each(['', 'nginx version: nginx/1.29.1', 'lighttpd/1.4'])(
    'a program without a version of lighttpd does not start: `%s`',
    (banner) => {
      expect(() => printedFor(banner)).toThrow(/no version of lighttpd/)
    },
  )
})

/** The rule's output for a lighttpd with that banner, which runs it as lighttpd does. */
function printedFor(banner: string): string {
  const program = join(folder, 'lighttpd')
  const asLighttpd = `[ "$1" = -v ] && echo '${banner}' && exit; /bin/sh -c 'exec ${RULE}'; exit $?`
  writeFileSync(program, `#!/bin/sh\n${asLighttpd}\n`)
  chmodSync(program, 0o755)
  return execFileSync(program, ['-D', '-f', '/nonexistent'], { encoding: 'utf8', stdio: 'pipe' })
}
