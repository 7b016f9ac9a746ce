/** How a value in Redis differs from the form of its key. A closed table: it labels a metric. */
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

/** Receives every value that denies because of its form: counts them, and logs some. */
export interface StateObserver {
  /** @param key the whole key; it may hold subjects and ids, never a secret */
  anomaly(kind: StateAnomaly, key: string): void
}
