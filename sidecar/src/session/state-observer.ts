/** In what way a value in Redis is not what its key promises. A closed table: it labels a metric. */
export type StateAnomaly =
  /** not a string, so that `GET` cannot read it */
  | 'wrong-type'
  /** a string of another form */
  | 'malformed'
  /** a session that none of our keys opens */
  | 'undecryptable'
  /** a moment of last use that none of our keys sealed for this session */
  | 'unsealed'
  /** a session that names another id than the key it lies under */
  | 'misplaced'
  /** `bg:state` is not there: Redis was emptied, or never initialised */
  | 'state-missing'

/** Told of every value that refuses because of its form; the receiver counts, and limits what it logs. */
export interface StateObserver {
  /** @param key the whole key; it may hold subjects and ids, never a secret */
  anomaly(kind: StateAnomaly, key: string): void
}
