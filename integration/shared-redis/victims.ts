import type { SessionHome } from '../harness/sessions.ts'
import { type Caller, type Form, makeCaller } from './callers.ts'

/** All that can be revoked (docs/revocation.md), a session in both ways. */
export type Kind = (typeof CASES)[number]['kind']

/** A caller who is going to be revoked, and how. */
export interface Victim extends Caller {
  readonly kind: Kind
  /** the arguments of `redis-cli` that revoke it */
  readonly redisCli: readonly string[]
  /** the arguments of `brickgate` that do the same */
  readonly brickgate: readonly string[]
}

/** The whole cast of a run. */
export interface Cast {
  /** in the order in which they are to be revoked */
  readonly victims: readonly Victim[]
  /** never revoked, though some share a subject with victims */
  readonly bystanders: readonly Caller[]
}

const MAX_TOKEN_LIFETIME_S = 108_000

const CASES = [
  { kind: 'token', form: 'bearer' },
  { kind: 'session', form: 'session' },
  { kind: 'subject', form: 'bearer' },
  { kind: 'issuer', form: 'session' },
  { kind: 'client', form: 'bearer' },
  { kind: 'session record', form: 'session' },
  { kind: 'idp-session', form: 'session' },
  { kind: 'all', form: 'bearer' },
  { kind: 'token', form: 'session' },
  { kind: 'subject', form: 'session' },
  { kind: 'client', form: 'session' },
  { kind: 'idp-session', form: 'bearer' },
  { kind: 'issuer', form: 'bearer' },
  { kind: 'all', form: 'session' },
] as const satisfies readonly { kind: string; form: Form }[]

/** Kinds that end less than everything of a subject: the rest of it is to go on. */
const PARTIAL: ReadonlySet<Kind> = new Set([
  'token',
  'session',
  'session record',
  'client',
  'idp-session',
])

export interface CastWishes {
  readonly victims: number
  readonly bystanders: number
  /** beyond the number of every victim that the same gateways had before; 0 when left out */
  readonly first?: number
}

/** Makes victims, every kind in turn, and those who must not notice. */
export async function makeCast(stack: SessionHome, wishes: CastWishes): Promise<Cast> {
  const { first = 0 } = wishes
  const shared = (kind: Kind): string => `shared-${first}-${kind.replace(' ', '-')}`
  return {
    victims: await inTurn(wishes.victims, (number) => makeVictim(stack, first + number, shared)),
    bystanders: await inTurn(wishes.bystanders, (number) => {
      const form = number % 2 === 0 ? 'bearer' : 'session'
      const kind = [...PARTIAL][Math.floor(number / 2)]
      return makeCaller(stack, kind === undefined ? { form } : { form, subject: shared(kind) })
    }),
  }
}

async function makeVictim(
  stack: SessionHome,
  number: number,
  shared: (kind: Kind) => string,
): Promise<Victim> {
  const { kind, form } = CASES[number % CASES.length] ?? CASES[0]
  const caller = await makeCaller(stack, {
    form,
    ...(PARTIAL.has(kind) ? { subject: shared(kind) } : {}),
    ...(kind === 'issuer' || kind === 'all' ? { signInSeconds: longAgo(number) } : {}),
  })
  return { ...caller, kind, redisCli: redisCommand(kind, caller), brickgate: command(kind, caller) }
}

/**
 * A revocation of an issuer, or of all, ends every sign-in up to a moment. These signed in hours
 * ago, in turn, so that each such revocation ends a single caller.
 */
function longAgo(number: number): number {
  const MIN_APART_S = 60 // more than the allowance for the skew of clocks
  return Math.floor(Date.now() / 1000) - MAX_TOKEN_LIFETIME_S / 2 + number * MIN_APART_S
}

function redisCommand(kind: Kind, caller: Caller): readonly string[] {
  const { subject, tokenId, clientId, idpSession, sid, signInSeconds } = caller
  const set = (key: string, value: string | number): readonly string[] => [
    'SET',
    `bg:revoked:${key}`,
    String(value),
    'EX',
    String(MAX_TOKEN_LIFETIME_S),
  ]
  const now = Math.floor(Date.now() / 1000)
  switch (kind) {
    case 'token':
      return set(`token:demo|${tokenId}`, 'revoked')
    case 'session':
      return set(`session:${sid}`, 'revoked')
    case 'session record':
      return ['DEL', `bg:session:${sid}`]
    case 'subject':
      return set(`subject:demo|${subject}`, now)
    case 'client':
      return set(`client:demo|${clientId}`, now)
    case 'idp-session':
      return set(`idp-session:demo|${idpSession}`, now)
    case 'issuer':
      return set('issuer:demo', signInSeconds)
    case 'all':
      return set('all', signInSeconds)
  }
}

function command(kind: Kind, caller: Caller): readonly string[] {
  const { subject, tokenId, clientId, idpSession, sid, signInSeconds } = caller
  switch (kind) {
    case 'token':
      return ['revoke', 'token', `demo|${tokenId}`]
    case 'session':
      return ['revoke', 'session', sid]
    case 'session record':
      return ['sessions', 'revoke', sid]
    case 'subject':
      return ['revoke', 'subject', `demo|${subject}`]
    case 'client':
      return ['revoke', 'client', `demo|${clientId}`]
    case 'idp-session':
      return ['revoke', 'idp-session', `demo|${idpSession}`]
    case 'issuer':
      return ['revoke', 'issuer', 'demo', '--at', String(signInSeconds)]
    case 'all':
      return ['revoke', 'all', '--yes', '--at', String(signInSeconds)]
  }
}

/** Works in groups, one after the other: each token is a TLS connection to the provider. */
async function inTurn<T>(
  count: number,
  make: (number: number) => Promise<T>,
): Promise<readonly T[]> {
  const AT_ONCE = 8
  const made: T[] = []
  while (made.length < count) {
    const next = Array.from(
      { length: Math.min(AT_ONCE, count - made.length) },
      (_, at) => made.length + at,
    )
    made.push(...(await Promise.all(next.map(make))))
  }
  return made
}
