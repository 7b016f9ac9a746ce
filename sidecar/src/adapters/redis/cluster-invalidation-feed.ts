import type { Cluster, Redis } from 'ioredis'
import type { Address } from '../../domain/address.ts'
import { TRACKED_PREFIXES } from '../../domain/redis-keys.ts'
import type { FeedListener, FeedObserver, InvalidationFeed } from '../../near-cache/feed.ts'
import { describeFailure } from './client.ts'
import { createInvalidationFeed, type InvalidationFeedDeps } from './invalidation-feed.ts'
import {
  agreedPrimaries,
  type ClusterView,
  ownsTag,
  type Primary,
  parseClusterNodes,
  slotMapText,
  tagOf,
} from './topology.ts'

export interface ClusterFeedDeps extends Omit<InvalidationFeedDeps, 'tracking' | 'commands'> {
  readonly commands: Cluster
  /** opens the tracking connection to a server */
  readonly openTracking: (address: Address) => Redis
}

/** A primary with a tracking connection. */
interface Member {
  readonly primary: Primary
  /** keys with this tag belong to this primary; null for a primary without a lasting slot */
  readonly tag: string | null
  readonly feed: InvalidationFeed
}

/**
 * The feed of a Cluster: a feed per primary, also for a primary without slots, because keys arrive
 * there before their slot does.
 *
 * INVARIANT: the feed is as fresh as the stalest primary's feed, and as the last check of the
 * Cluster that found a feed for every primary. Otherwise a revocation on an unwatched primary would
 * be missed. Whenever a slot moves, everything may have changed.
 */
export function createClusterInvalidationFeed(deps: ClusterFeedDeps): InvalidationFeed {
  const { clock, observer } = deps
  const madeMs = clock.monotonicMs()
  const members = new Map<string, Member>()
  let slotMap = ''
  let lookedAtMs = Number.NEGATIVE_INFINITY
  let isLooking = false
  let timer: NodeJS.Timeout | null = null

  return {
    stalenessMs,
    serverId() {
      const serving = [...members.values()].filter(({ primary }) => primary.slots.length > 0)
      const ids = serving.flatMap(({ feed }) => feed.serverId() ?? [])
      return ids.length === 0 || ids.length < serving.length ? null : ids.sort().join(' ')
    },
    start(listener) {
      timer = setInterval(() => void tick(listener), deps.intervalMs)
      void tick(listener)
    },
    close() {
      if (timer !== null) clearInterval(timer)
      timer = null
      for (const { feed } of members.values()) feed.close()
      members.clear()
    },
  }

  function stalenessMs(): number {
    const ages = [...members.values()].map(({ feed }) => feed.stalenessMs())
    return Math.max(clock.monotonicMs() - lookedAtMs, ...ages)
  }

  async function tick(listener: FeedListener): Promise<void> {
    const ageMs = clock.monotonicMs() - madeMs
    observer.staleness(Math.min(stalenessMs(), ageMs) / 1000)
    if (isLooking) return
    isLooking = true
    const startedMs = clock.monotonicMs()
    try {
      const views = await readViews(deps.commands)
      if (timer !== null) takeUp(views, listener, startedMs)
    } catch (error) {
      observer.failed(describeFailure(error))
    } finally {
      isLooking = false
    }
  }

  function takeUp(views: readonly ClusterView[], listener: FeedListener, startedMs: number): void {
    const moving = new Set(views.flatMap((view) => [...view.moving]))
    const agreed = agreedPrimaries(views)
    if (agreed === null) {
      const unknown = views.flatMap((view) => view.primaries).filter(({ id }) => !members.has(id))
      for (const primary of unknown) listenTo(primary, moving, listener)
      deps.commands.refreshSlotsCache() // a primary with slots may be new to the client
      return
    }
    for (const primary of agreed) listenTo(primary, moving, listener)
    const ids = new Set(agreed.map(({ id }) => id))
    for (const id of [...members.keys()].filter((id) => !ids.has(id))) drop(id)
    if (slotMap !== slotMapText(agreed)) listener.reset('unheard')
    slotMap = slotMapText(agreed)
    lookedAtMs = startedMs
  }

  /** Starts a feed for the primary, and a new feed where its slots have changed. */
  function listenTo(primary: Primary, moving: ReadonlySet<number>, listener: FeedListener): void {
    const before = members.get(primary.id)
    if (before !== undefined && isStill(before, primary, moving)) return
    drop(primary.id)
    const tag = tagOf(primary, moving)
    const feed = createInvalidationFeed({
      ...deps,
      tracking: deps.openTracking(primary),
      observer: ofOneMember(observer),
      heartbeatPrefixes: tag === null ? [] : TRACKED_PREFIXES.map((prefix) => `${prefix}{${tag}}`),
    })
    members.set(primary.id, { primary, tag, feed })
    feed.start(listener)
  }

  function isStill(member: Member, primary: Primary, moving: ReadonlySet<number>): boolean {
    const { host, port } = member.primary
    if (host !== primary.host || port !== primary.port) return false
    // without a tag it is searched again only among other slots, because a search is slow
    if (member.tag === null) return member.primary.slots.join() === primary.slots.join()
    return ownsTag(primary, moving, member.tag)
  }

  function drop(id: string): void {
    members.get(id)?.feed.close()
    members.delete(id)
  }
}

/** @throws {Error} when a primary that the client knows does not answer */
function readViews(commands: Cluster): Promise<readonly ClusterView[]> {
  return Promise.all(
    commands.nodes('master').map(async (node) => {
      const text = await node.cluster('NODES')
      return parseClusterNodes(String(text), node.options.host ?? '')
    }),
  )
}

/** The whole feed reports the staleness of the whole. */
function ofOneMember(observer: FeedObserver): FeedObserver {
  return { ...observer, staleness: () => undefined }
}
