import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { accessLines } from '../harness/client.ts'
import type { Edge, StackInfo } from '../harness/stack.ts'

/** A line of lighttpd's access log. */
export type AccessLine = Readonly<Record<string, unknown>>

const WITHIN_MS = 15_000

/**
 * The lines of these requests by their ids.
 *
 * @throws when one is missing after 15 s, or is there twice
 */
export async function accessLinesOf(
  info: StackInfo,
  edge: Edge,
  ids: readonly string[],
): Promise<ReadonlyMap<string, AccessLine>> {
  const giveUpMs = Date.now() + WITHIN_MS
  const wanted = new Set(ids)
  for (;;) {
    // As logrotate does; by itself lighttpd would write its log out some seconds later.
    process.kill(lighttpdPid(info, edge), 'SIGHUP')
    await pause(50)
    const lines = accessLines(info).filter((line) => wanted.has(String(line['request_id'])))
    const found = new Map(lines.map((line) => [String(line['request_id']), line]))
    if (found.size < lines.length) throw new Error('a request is logged twice')
    if (found.size === ids.length) return found
    if (Date.now() > giveUpMs) throw new Error(`${found.size} lines for ${ids.length} requests`)
  }
}

/** The process that serves an edge now: not the one that was started, after a graceful restart. */
function lighttpdPid({ config, edges }: StackInfo, edge: Edge): number {
  const isFirst = edge.name === edges[0]?.name
  const { directory } = config.runtime
  return Number(readFileSync(join(directory, isFirst ? '' : edge.name, 'lighttpd.pid'), 'utf8'))
}
