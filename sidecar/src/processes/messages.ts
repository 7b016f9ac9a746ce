import type { LoadedConfig } from '../config/load.ts'
import type { Snapshot } from '../observe/aggregate.ts'
import type { OutageEdge, RedisNews } from '../session/outage.ts'
import type { NotedUse } from '../session/session-use.ts'
import type { KeySet, RefreshOutcome } from '../verify/key-source.ts'

export const ROLES = ['authorizer', 'responder'] as const

/** The kind of a worker process. */
export type Role = (typeof ROLES)[number]

/** From the primary to a worker. */
export type ToWorker =
  | {
      readonly type: 'start'
      readonly role: Role
      readonly slot: number
      readonly loaded: LoadedConfig
      /**
       * names the origins of its keys: after a reload they may be others under the same issuer name
       */
      readonly keyGeneration: number
      readonly keySets: readonly KeySet[]
      readonly redisNews: RedisNews
    }
  | { readonly type: 'redis-news'; readonly news: RedisNews }
  /** times of use that an ended worker could not write */
  | { readonly type: 'adopt-uses'; readonly uses: readonly NotedUse[] }
  | { readonly type: 'keys'; readonly keyGeneration: number; readonly keySet: KeySet }
  | { readonly type: 'refresh-outcome'; readonly id: number; readonly outcome: RefreshOutcome }
  | { readonly type: 'collect'; readonly id: number }
  | { readonly type: 'drain' }

/** From a worker to the primary. */
export type FromWorker =
  | { readonly type: 'alive' }
  /**
   * the worker may accept connections from now on; sent before the primary is asked for a socket
   */
  | { readonly type: 'listening' }
  | { readonly type: 'ready' }
  | { readonly type: 'redis-outage'; readonly edge: OutageEdge }
  | { readonly type: 'unsaved-uses'; readonly uses: readonly NotedUse[] }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'refresh-keys'; readonly id: number; readonly issuerName: string }
  | { readonly type: 'metrics'; readonly id: number | null; readonly snapshot: Snapshot }
