import { LRUCache } from 'lru-cache'
import { networkOf } from '../domain/network.ts'

/**
 * Limits how often the browsers of a network cause failing calls to the provider. Each callback
 * takes an attempt, and a successful sign-in returns its attempt, so people who share an address do
 * not run out. Each network has 20 attempts, and gets one more each second.
 */
export interface Attempts {
  /** @returns false when none is left */
  take(sourceIp: string, nowSeconds: number): boolean
  giveBack(sourceIp: string): void
}

interface Bucket {
  readonly left: number
  readonly atSeconds: number
}

const MOST = 20
const PER_SECOND = 1
/** beyond, the network that was seen longest ago starts anew */
const MAX_NETWORKS = 10_000

export function createAttempts(): Attempts {
  const buckets = new LRUCache<string, Bucket>({ max: MAX_NETWORKS })
  return {
    take(sourceIp, nowSeconds) {
      const network = networkOf(sourceIp)
      const known = buckets.get(network) ?? { left: MOST, atSeconds: nowSeconds }
      const grown = Math.max(0, nowSeconds - known.atSeconds) * PER_SECOND
      const available = Math.min(MOST, known.left + grown)
      const isAdmitted = available >= 1
      const remaining = isAdmitted ? available - 1 : available
      buckets.set(network, { left: remaining, atSeconds: nowSeconds })
      return isAdmitted
    },
    giveBack(sourceIp) {
      const network = networkOf(sourceIp)
      const bucket = buckets.get(network)
      if (bucket === undefined) return
      buckets.set(network, { ...bucket, left: Math.min(MOST, bucket.left + 1) })
    },
  }
}
