import { Command } from 'ioredis'
import { type Address, parseAddress } from '../../domain/address.ts'

/** A server of a Cluster that accepts writes. */
export interface Primary extends Address {
  readonly id: string
  /** ranges of slots as Redis writes them, `0-5460` or `7`; none for a new primary */
  readonly slots: readonly string[]
}

/** The view of one server of a Cluster. */
export interface ClusterView {
  /** its own id */
  readonly self: string
  readonly primaries: readonly Primary[]
  /** slots on their way from or to this server; commands on them may be redirected */
  readonly moving: ReadonlySet<number>
}

/**
 * Parses the reply of CLUSTER NODES. A failed primary without slots is left out.
 *
 * @param host where the server was asked: it may not know its own address
 */
export function parseClusterNodes(text: string, host: string): ClusterView {
  const nodes = text.split('\n').filter((line) => line !== '')
  const own = nodes.map((line) => line.split(' ')).find((words) => flagsOf(words).has('myself'))
  const moving = [...text.matchAll(/\[([0-9]+)-[<>]-/g)].map(([, slot]) => Number(slot))
  return {
    self: own?.[0] ?? '',
    primaries: nodes.map((line) => line.split(' ')).flatMap((words) => primaryOf(words, host)),
    moving: new Set(moving),
  }
}

/** `<id> <ip:port@bus[,hostname]> <flags> <primary> <ping> <pong> <epoch> <link> <slot> …` */
function primaryOf(words: readonly string[], host: string): readonly Primary[] {
  const [id = '', address = '', , , , , , , ...ranges] = words
  const flags = flagsOf(words)
  const slots = ranges.filter((range) => !range.startsWith('['))
  const isGone = flags.has('noaddr') || flags.has('handshake') || flags.has('fail')
  if (!flags.has('master') || (isGone && slots.length === 0)) return []
  const [endpoint = '', hostname = ''] = address.split(',')
  const [clientEndpoint = ''] = endpoint.split('@')
  const { host: ip, port } = parseAddress(clientEndpoint)
  return [{ id, host: hostname || ip || host, port, slots }]
}

function flagsOf([, , flags = '']: readonly string[]): ReadonlySet<string> {
  return new Set(flags.split(','))
}

/**
 * The primaries on which all servers with slots agree.
 *
 * @returns null while a server was not asked, or they differ
 */
export function agreedPrimaries(views: readonly ClusterView[]): readonly Primary[] | null {
  const [first] = views
  const asked = new Set(views.map(({ self }) => self))
  if (first === undefined) return null
  const isComplete = first.primaries.every(({ id, slots }) => slots.length === 0 || asked.has(id))
  const isSame = new Set(views.map(({ primaries }) => slotMapText(primaries))).size === 1
  return isComplete && isSame ? first.primaries : null
}

/** The places of slots as text: equal texts for equal places. */
export function slotMapText(primaries: readonly Primary[]): string {
  return primaries
    .map(({ id, host, port, slots }) => `${id} ${host}:${port} ${slots.join(' ')}`)
    .sort()
    .join('\n')
}

const MAX_TAGS = 50_000

/**
 * Finds a hash tag whose keys belong to a primary and stay there.
 *
 * @returns null for a primary without a lasting slot, or with so few that none was found
 */
export function tagOf({ slots }: Primary, moving: ReadonlySet<number>): string | null {
  if (slots.length === 0) return null
  const owned = ownedSlots(slots)
  for (const slot of moving) owned.delete(slot)
  if (owned.size === 0) return null
  for (let number = 0; number < MAX_TAGS; number += 1) {
    const tag = number.toString(36)
    if (owned.has(slotOf(tag))) return tag
  }
  return null
}

export function ownsTag({ slots }: Primary, moving: ReadonlySet<number>, tag: string): boolean {
  const slot = slotOf(tag)
  return !moving.has(slot) && ownedSlots(slots).has(slot)
}

function ownedSlots(ranges: readonly string[]): Set<number> {
  const owned = new Set<number>()
  for (const range of ranges) {
    const [from = 0, to = from] = range.split('-').map(Number)
    for (let slot = from; slot <= to; slot += 1) owned.add(slot)
  }
  return owned
}

/** The slot of a key, by its hash tag if it has one. */
export function slotOf(key: string): number {
  return new Command('get', [key]).getSlot() ?? 0
}
