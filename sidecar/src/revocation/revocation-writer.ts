import { ok, type Result, refuse } from '../domain/result.ts'
import { ABSENT, type StoredValue } from '../domain/stored-value.ts'
import { type RevocationKey, type RevocationTarget, revocationKey } from './revocation-keys.ts'
import { anomalyOf } from './revocation-rule.ts'

/**
 * The commands that write revocations. A command that fails or takes too long returns
 * `state-unavailable`; no method rejects.
 */
export interface RevocationRecords {
  read(keys: readonly string[]): Promise<Result<readonly StoredValue[]>>
  /** @returns false without a change when the key exists */
  create(key: string, text: string, expiresAtSeconds: number | null): Promise<Result<boolean>>
  write(key: string, text: string, expiresAtSeconds: number | null): Promise<Result<void>>
  /**
   * Replaces a value and keeps the expiry.
   *
   * @returns false without a change unless the key holds exactly `expected`
   */
  replace(key: string, expected: string, text: string): Promise<Result<boolean>>
  /**
   * Extends the expiry of a key, and never shortens it.
   *
   * @returns false when the key does not exist
   */
  extend(key: string, expiresAtSeconds: number): Promise<Result<boolean>>
  /** @returns whether the key existed */
  delete(key: string): Promise<Result<boolean>>
  /**
   * Waits a moment for the replicas.
   *
   * @returns whether every replica has the key
   */
  settle(key: string): Promise<Result<boolean>>
}

export interface Revocation {
  readonly target: RevocationTarget
  /**
   * Epoch seconds, by default now: revokes every sign-in up to this time. A future time blocks
   * until then. Without effect for a token or session, which is always revoked.
   */
  readonly notBeforeSeconds?: number
  /** keeps the revocation for longer than the default */
  readonly keepSeconds?: number
  /** whether a later time or an unreadable value may be overwritten */
  readonly isForced?: boolean
}

export interface Revoked {
  readonly key: string
  /** the value in force; null for an unreadable value, which revokes every sign-in */
  readonly value: string | null
  /** the revocation lasts at least until this time */
  readonly expiresAtSeconds: number
  /** `kept`: the existing value revokes as much or more, and only its expiry was extended */
  readonly outcome: 'created' | 'changed' | 'kept'
  /** whether every replica has the revocation; before that a failover could undo it */
  readonly isReplicated: boolean
}

/** Writes revocations. */
export interface RevocationWriter {
  /**
   * Writes a revocation.
   *
   * INVARIANT: unless forced, a time is only raised and an expiry only extended, and a revocation
   * outlives every token and session that it revokes. Otherwise a second revocation could let
   * revoked callers in.
   *
   * @returns `state-unavailable` when the write is uncertain
   * @throws {RangeError} for a time outside 0 to 999,999,999,999
   */
  revoke(revocation: Revocation, nowSeconds: number): Promise<Result<Revoked>>
  /** Returns the outcome that `revoke` would have now, and changes nothing. */
  preview(revocation: Revocation, nowSeconds: number): Promise<Result<Revoked>>
  /**
   * Lifts a revocation.
   *
   * @returns whether the revocation existed
   */
  unrevoke(target: RevocationTarget): Promise<Result<boolean>>
}

export interface RevocationWriterDeps {
  readonly records: RevocationRecords
  /** longest life of a token or session, clock skew included */
  readonly lifetimeSeconds: number
}

/** The key, value and expiry to write. */
interface Plan {
  readonly key: RevocationKey
  readonly value: string
  readonly expiresAtSeconds: number
  readonly isForced: boolean
}

/** Tries while other writers change the key between read and write. */
const MAX_TRIES = 5
const MAX_SECONDS = 999_999_999_999

export function createRevocationWriter(deps: RevocationWriterDeps): RevocationWriter {
  const { records, lifetimeSeconds } = deps
  return {
    revoke: async (revocation, nowSeconds) => {
      const plan = planOf(revocation, nowSeconds, lifetimeSeconds)
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const held = await readKey(plan.key.name)
        if (!held.ok) return held
        const isDone = await carryOut(plan, held.value)
        if (!isDone.ok) return isDone
        if (!isDone.value) continue
        const settled = await records.settle(plan.key.name)
        return ok(outcomeOf(plan, held.value, settled.ok && settled.value))
      }
      return refuse('state-unavailable')
    },
    preview: async (revocation, nowSeconds) => {
      const plan = planOf(revocation, nowSeconds, lifetimeSeconds)
      const held = await readKey(plan.key.name)
      return held.ok ? ok(outcomeOf(plan, held.value, false)) : held
    },
    unrevoke: async (target) => {
      const key = revocationKey(target).name
      const deleted = await records.delete(key)
      if (deleted.ok) await records.settle(key)
      return deleted
    },
  }

  async function readKey(key: string): Promise<Result<StoredValue>> {
    const values = await records.read([key])
    return values.ok ? ok(values.value[0] ?? ABSENT) : values
  }

  /** @returns false when another writer changed the key meanwhile */
  async function carryOut(plan: Plan, held: StoredValue): Promise<Result<boolean>> {
    const { key, value, expiresAtSeconds } = plan
    if (held.kind === 'absent') return records.create(key.name, value, expiresAtSeconds)
    if (plan.isForced) {
      const written = await records.write(key.name, value, expiresAtSeconds)
      return written.ok ? ok(true) : written
    }
    // The expiry is extended first, so that a failure before the write leaves it as strong as
    // before.
    const extended = await records.extend(key.name, expiresAtSeconds)
    if (!extended.ok || !extended.value || suffices(plan, held)) return extended
    return records.replace(key.name, held.kind === 'text' ? held.text : '', value)
  }
}

function planOf(revocation: Revocation, nowSeconds: number, lifetimeSeconds: number): Plan {
  const key = revocationKey(revocation.target)
  const seconds = Math.ceil(revocation.notBeforeSeconds ?? nowSeconds)
  if (!(seconds >= 0 && seconds <= MAX_SECONDS)) {
    throw new RangeError('a revocation is from the epoch on and in twelve digits')
  }
  // A token issued at that very second lives from then on.
  const fromSeconds = key.refuses === 'always' ? nowSeconds : Math.max(nowSeconds, seconds)
  const keepSeconds = Math.max(lifetimeSeconds, revocation.keepSeconds ?? 0)
  return {
    key,
    value: String(seconds),
    expiresAtSeconds: Math.ceil(fromSeconds + keepSeconds),
    isForced: revocation.isForced ?? false,
  }
}

function outcomeOf(plan: Plan, held: StoredValue, isReplicated: boolean): Revoked {
  const { key, expiresAtSeconds } = plan
  const written = { key: key.name, expiresAtSeconds, isReplicated }
  if (held.kind === 'absent') return { ...written, value: plan.value, outcome: 'created' }
  if (plan.isForced || !suffices(plan, held)) {
    return { ...written, value: plan.value, outcome: 'changed' }
  }
  const isReadable = held.kind === 'text' && anomalyOf(key, held) === null
  return { ...written, value: isReadable ? held.text : null, outcome: 'kept' }
}

/** Whether the existing value revokes as much; a malformed value revokes every sign-in. */
function suffices({ key, value }: Plan, held: StoredValue): boolean {
  if (held.kind !== 'text' || key.refuses === 'always') return held.kind !== 'absent'
  return anomalyOf(key, held) !== null || Number(held.text) >= Number(value)
}
