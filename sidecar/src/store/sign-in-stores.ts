import { ok, refuse } from '../domain/result.ts'
import type { IdpSessionStore, ReplayStore } from '../sign-in/idp-logout.ts'
import type { LockStore } from '../sign-in/token-renewal.ts'
import type { SpentSignIns } from '../sign-in/transaction.ts'
import type { KeyValues } from './key-values.ts'

/** The Redis keys of sign-ins, token refreshes and logouts, apart from sessions and revocations. */
export interface SignInStores {
  readonly spentSignIns: SpentSignIns
  readonly locks: LockStore
  readonly replays: ReplayStore
  readonly idpSessions: IdpSessionStore
}

/** @param isFull whether Redis has no room for the keys of new sign-ins */
export function createSignInStores(keyValues: KeyValues, isFull: () => boolean): SignInStores {
  const { create, write } = keyValues
  const isThere = async (key: string) => {
    const values = await keyValues.read([key])
    return values.ok ? ok(values.value[0]?.kind !== 'absent') : values
  }
  const onceNoted = {
    isKnown: isThere,
    note: (key: string, expiresAtSeconds: number) => create(key, '1', expiresAtSeconds),
  }
  return {
    spentSignIns: {
      ...onceNoted,
      note: async (...spent) => (isFull() ? refuse('state-full') : onceNoted.note(...spent)),
    },
    locks: {
      acquire: create,
      release: keyValues.deleteIf,
      hold: write,
    },
    replays: onceNoted,
    idpSessions: {
      isKnown: isThere,
      note: (key, expiresAtSeconds) => write(key, '1', expiresAtSeconds),
    },
  }
}
