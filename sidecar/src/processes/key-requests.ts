import type { RefreshOutcome } from '../verify/key-source.ts'

/** Sends a worker's requests for newer keys to the primary. */
export interface KeyRequests {
  /** settles within 1.5 s; without an answer by then the request has failed */
  requestKeys(issuerName: string): Promise<RefreshOutcome>
  answered(id: number, outcome: RefreshOutcome): void
}

const ANSWER_WITHIN_MS = 1500

/** @param send sends the request to the primary, which answers with its id */
export function createKeyRequests(send: (id: number, issuerName: string) => void): KeyRequests {
  const waiting = new Map<number, (outcome: RefreshOutcome) => void>()
  let lastId = 0

  return {
    requestKeys(issuerName) {
      const id = ++lastId
      const { promise, resolve } = Promise.withResolvers<RefreshOutcome>()
      const timer = setTimeout(() => resolve('failed'), ANSWER_WITHIN_MS)
      waiting.set(id, resolve)
      send(id, issuerName)
      return promise.finally(() => {
        clearTimeout(timer)
        waiting.delete(id)
      })
    },
    answered: (id, outcome) => waiting.get(id)?.(outcome),
  }
}
