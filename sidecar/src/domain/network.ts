const GROUPS = 8
const NETWORK_GROUPS = 4
const DOTTED = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/

/**
 * The network that a single client may own: an IPv4 address, also when mapped into IPv6, or the /64
 * of an IPv6 address. lighttpd/lua/network.lua counts connections by the same rule.
 *
 * @param address as lighttpd writes it, in any spelling; text without a colon is returned
 *   unchanged
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail = ''] = address.split('::')
  const [before, after] = [groupsOf(head), groupsOf(tail)]
  const omitted = Math.max(0, GROUPS - before.length - after.length)
  const groups = [...before, ...Array.from({ length: omitted }, () => 0), ...after]
  const mapped = mappedIpv4(groups)
  if (mapped !== undefined) return mapped
  const network = groups.slice(0, NETWORK_GROUPS).map((group) => group.toString(16))
  return `${network.join(':')}::/64`
}

/**
 * The 16-bit groups of a part of an IPv6 address. A dotted IPv4 address at the end yields two
 * groups.
 */
function groupsOf(text: string): readonly number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    const bytes = DOTTED.exec(group)?.slice(1).map(Number)
    if (bytes === undefined) return [Number.parseInt(group, 16) || 0]
    const [a = 0, b = 0, c = 0, d = 0] = bytes
    return [a * 256 + b, c * 256 + d]
  })
}

/** The address within `::ffff:0:0/96`. */
function mappedIpv4(groups: readonly number[]): string | undefined {
  const [high = 0, low = 0] = groups.slice(6)
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  return isMapped ? [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.') : undefined
}
