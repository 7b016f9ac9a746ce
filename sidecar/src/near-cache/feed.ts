/** How recent the feed's last proof of freshness is. */
export interface Freshness {
  /** the longest time for which a change may have been missed; Infinity before the first proof */
  stalenessMs(): number
  /** run id of the Redis server that feeds; null without a server */
  serverId(): string | null
}

export interface FeedListener {
  /** these keys changed, in the order in which Redis changed them */
  invalidated(keys: readonly string[]): void
  /**
   * Any key may have changed. `unheard`: changes since the feed was last fresh were missed.
   * `emptied`: Redis was flushed, or took over the data of another server; a missing key is no
   * lifted revocation.
   */
  reset(why: 'unheard' | 'emptied'): void
}

/** Reports changes of sessions, revocations and `bg:state` in Redis. */
export interface InvalidationFeed extends Freshness {
  /** begins to listen; called once */
  start(listener: FeedListener): void
  close(): void
}

/** Receives the health of the feed. No method throws. */
export interface FeedObserver {
  /** @param seconds from the write of a heartbeat to its invalidation */
  lag(seconds: number): void
  /**
   * @param seconds as `Freshness.stalenessMs`, at most the age of the feed; every heartbeat
   * interval
   */
  staleness(seconds: number): void
  failed(message: string): void
}
