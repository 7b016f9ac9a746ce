import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

interface Entry {
  readonly payload: AdapterPayload
  readonly expiresAtMs: number
}

const MAX_ENTRIES = 10_000

/**
 * The provider's state, outliving the provider objects that a key rotation replaces. Bounded:
 * beyond 10,000 entries the oldest goes.
 */
export function createMemoryState(): AdapterFactory {
  const entries = new Map<string, Entry>()
  return (model) => createAdapter(model, entries)
}

function createAdapter(model: string, entries: Map<string, Entry>): Adapter {
  const nameOf = (id: string): string => `${model}:${id}`
  const live = (name: string): AdapterPayload | undefined => {
    const entry = entries.get(name)
    return entry !== undefined && entry.expiresAtMs > Date.now() ? entry.payload : undefined
  }
  const search = (isWanted: (payload: AdapterPayload) => boolean): string | undefined =>
    entries.keys().find((name) => name.startsWith(nameOf('')) && isWanted(live(name) ?? {}))
  return {
    async upsert(id, payload, expiresInSeconds = Number.POSITIVE_INFINITY) {
      const expiresAtMs = Date.now() + expiresInSeconds * 1000
      entries.delete(nameOf(id))
      entries.set(nameOf(id), { payload, expiresAtMs })
      trim(entries)
    },
    find: async (id) => live(nameOf(id)),
    async findByUid(uid) {
      return live(search((payload) => payload.uid === uid) ?? '')
    },
    async findByUserCode(userCode) {
      return live(search((payload) => payload.userCode === userCode) ?? '')
    },
    async consume(id) {
      const payload = live(nameOf(id))
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000)
    },
    async destroy(id) {
      entries.delete(nameOf(id))
    },
    async revokeByGrantId(grantId) {
      for (const [name, { payload }] of entries) {
        if (name.startsWith(nameOf('')) && payload.grantId === grantId) entries.delete(name)
      }
    },
  }
}

function trim(entries: Map<string, Entry>): void {
  const oldest = entries.keys().next()
  if (entries.size > MAX_ENTRIES && !oldest.done) entries.delete(oldest.value)
}
