/** How far what the feed said can be relied on. */
export interface Freshness {
  /** for how long, at most, a change may have gone unheard; Infinity before anything was proven */
  stalenessMs(): number
  /** names the running Redis that feeds; null while there is none */
  serverId(): string | null
}

export interface FeedListener {
  /** these keys changed, in the order in which Redis changed them */
  invalidated(keys: readonly string[]): void
  /**
   * Anything may have changed. `unheard`: since the feed was last fresh. `emptied`: Redis was flushed, or took
   * over the data of another; what is gone was lifted by nobody.
   */
  reset(why: 'unheard' | 'emptied'): void
}

/** What Redis says about changes of sessions, revocations and `bg:state`. */
export interface InvalidationFeed extends Freshness {
  /** begins to listen; once */
  start(listener: FeedListener): void
  close(): void
}

/** Told of the feed's own health; must not throw. */
export interface FeedObserver {
  /** @param seconds from the writing of a heartbeat to its invalidation */
  lag(seconds: number): void
  /** @param seconds as `Freshness.stalenessMs`, at most the age of the feed; every heartbeat interval */
  staleness(seconds: number): void
  failed(message: string): void
}
