import { describe, it } from 'vitest'
import { sharedStack } from '../harness/shared-stack.ts'
import type { Edge } from '../harness/stack.ts'

/** Every lighttpd of the shared stack: the machine's and, where it was unpacked, the images'. */
export const EDGES: readonly Edge[] = sharedStack().edges

/**
 * The lighttpds that speak HTTP/2: below 1.4.83 it is switched off; `lighttpd/conf.d/http2.sh` has
 * the reason.
 */
export const HTTP2_EDGES: readonly Edge[] = EDGES.filter(
  ({ version }) => Number(version.split('.')[2]) >= 83,
)

const WHY_NO_HTTP2 =
  'no lighttpd from 1.4.83 on is at hand: integration/harness/make-forky.sh did not unpack one'

/**
 * Declares a suite for each lighttpd that speaks HTTP/2; where there is none, a skipped test says
 * why.
 */
export function describeHttp2(suite: (edge: Edge) => void): void {
  describe.each(HTTP2_EDGES)('lighttpd $version', (edge) => {
    suite(edge)
  })
  if (HTTP2_EDGES.length > 0) return
  process.stderr.write(`brickgate: tests of HTTP/2 are skipped: ${WHY_NO_HTTP2}\n`)
  // oxlint-disable-next-line vitest/no-disabled-tests -- it says why
  it.skip(`HTTP/2 (${WHY_NO_HTTP2})`, () => undefined)
}
