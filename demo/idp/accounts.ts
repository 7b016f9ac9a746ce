/** The accounts that can sign in, with the claims of their tokens. */
export interface Account {
  /** the `sub` claim */
  readonly username: string
  readonly email: string
  readonly groups: readonly string[]
}

const ACCOUNTS: readonly Account[] = [
  { username: 'alice', email: 'alice@example.com', groups: ['analysts', 'data-eng'] },
  { username: 'bob', email: 'bob@example.com', groups: ['analysts'] },
  { username: 'admin', email: 'admin@example.com', groups: ['platform-admins'] },
]

/** @returns null for an unknown name */
export function findAccount(username: string): Account | null {
  return ACCOUNTS.find((account) => account.username === username) ?? null
}
