import { ok, type Result, refuse } from '../domain/result.ts'
import { ABSENT, type StoredValue } from '../domain/stored-value.ts'
import { type RevocationKey, type RevocationTarget, revocationKey } from './revocation-keys.ts'
import { anomalyOf } from './revocation-rule.ts'

/**
 * The commands that revocations are written with; nothing rejects, and what fails or takes too long is
 * refused with `state-unavailable`.
 */
export interface RevocationRecords {
  read(keys: readonly string[]): Promise<Result<readonly StoredValue[]>>
  /** @returns false, and nothing changed, when there is such a key */
  create(key: string, text: string, expiresAtSeconds: number | null): Promise<Result<boolean>>
  write(key: string, text: string, expiresAtSeconds: number | null): Promise<Result<void>>
  /** @returns false, and nothing changed, unless the key holds exactly `expected`; it ends when it did */
  replace(key: string, expected: string, text: string): Promise<Result<boolean>>
  /** lets a key end later, never sooner @returns false when there is none */
  extend(key: string, expiresAtSeconds: number): Promise<Result<boolean>>
  /** @returns whether there was one */
  delete(key: string): Promise<Result<boolean>>
  /** waits a moment for the replicas @returns whether all have it */
  settle(key: string): Promise<Result<boolean>>
}

export interface Revocation {
  readonly target: RevocationTarget
  /**
   * Refuses who signed in by then; a moment to come blocks everybody until then. A token or session is
   * refused whatever it is. Epoch seconds, now when left out.
   */
  readonly notBeforeSeconds?: number
  /** keeps the revocation longer than the writer would */
  readonly keepSeconds?: number
  /** whether an earlier moment, and a value that cannot be read, may be written over */
  readonly isForced?: boolean
}

export interface Revoked {
  readonly key: string
  /** what holds now; null for what cannot be read, and refuses everybody */
  readonly value: string | null
  /** the revocation holds at least until then */
  readonly expiresAtSeconds: number
  /** `kept`: what was there refuses as much or more, and was only made to last */
  readonly outcome: 'created' | 'changed' | 'kept'
  /** whether every replica has it: until then a failover could take it back */
  readonly isReplicated: boolean
}

/** Writes what refuses. */
export interface RevocationWriter {
  /**
   * INVARIANT: what is refused stays refused. A moment is only raised and a revocation only made to last
   * longer, unless forced; it outlives every token and session that it refuses.
   *
   * @returns refuses with `state-unavailable` when it is not certain that the revocation stands
   * @throws {RangeError} for a moment that cannot be written
   */
  revoke(revocation: Revocation, nowSeconds: number): Promise<Result<Revoked>>
  /** What `revoke` would do now. Changes nothing. */
  preview(revocation: Revocation, nowSeconds: number): Promise<Result<Revoked>>
  /** Takes a revocation back. @returns whether there was one */
  unrevoke(target: RevocationTarget): Promise<Result<boolean>>
}

export interface RevocationWriterDeps {
  readonly records: RevocationRecords
  /** how long a token or session can live at most, clock skew included */
  readonly lifetimeSeconds: number
}

/** What is to be written. */
interface Plan {
  readonly key: RevocationKey
  readonly value: string
  readonly expiresAtSeconds: number
  readonly isForced: boolean
}

/** How often another writer may come in between. */
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

  /** @returns false when another writer came in between */
  async function carryOut(plan: Plan, held: StoredValue): Promise<Result<boolean>> {
    const { key, value, expiresAtSeconds } = plan
    if (held.kind === 'absent') return records.create(key.name, value, expiresAtSeconds)
    if (plan.isForced) {
      const written = await records.write(key.name, value, expiresAtSeconds)
      return written.ok ? ok(true) : written
    }
    // Made to last before it is raised: whatever fails in between leaves it no weaker.
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
  // A token issued until the very moment that is written lives on from there.
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
  const told = { key: key.name, expiresAtSeconds, isReplicated }
  if (held.kind === 'absent') return { ...told, value: plan.value, outcome: 'created' }
  if (plan.isForced || !suffices(plan, held)) {
    return { ...told, value: plan.value, outcome: 'changed' }
  }
  const isReadable = held.kind === 'text' && anomalyOf(key, held) === null
  return { ...told, value: isReadable ? held.text : null, outcome: 'kept' }
}

/** Whether what is there refuses as much: also by being of another form, which refuses everybody. */
function suffices({ key, value }: Plan, held: StoredValue): boolean {
  if (held.kind !== 'text' || key.refuses === 'always') return held.kind !== 'absent'
  return anomalyOf(key, held) !== null || Number(held.text) >= Number(value)
}
