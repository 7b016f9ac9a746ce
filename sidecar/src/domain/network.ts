const MAPPED_IPV4 = /^::ffff:([0-9.]+)$/i
const GROUPS = 8
const NETWORK_GROUPS = 4

/**
 * The network that one client can have for itself: an IPv4 address alone, also when mapped into IPv6,
 * and the /64 of an IPv6 address, all of which a single machine may use.
 *
 * @param address as lighttpd writes it; text that is no address stands for itself or for a /64 of its own
 */
export function networkOf(address: string): string {
  const mapped = MAPPED_IPV4.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!address.includes(':')) return address
  const [head = '', tail = ''] = address.split('::')
  const [before, after] = [groupsOf(head), groupsOf(tail)]
  const omitted = Math.max(0, GROUPS - before.length - after.length)
  const zeros = Array.from({ length: address.includes('::') ? omitted : 0 }, () => '0')
  const groups = [...before, ...zeros, ...after].slice(0, NETWORK_GROUPS)
  return `${groups.map(normalized).join(':')}::/64`
}

function groupsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(':')
}

/** Without leading zeros, in lower case. */
function normalized(group: string): string {
  return group.replace(/^0+(?=.)/, '').toLowerCase()
}
