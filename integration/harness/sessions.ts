import { randomBytes } from 'node:crypto'
import type { Principal } from '../../sidecar/src/domain/principal.ts'
import { sessionKey } from '../../sidecar/src/domain/redis-keys.ts'
import { createRecordCipher } from '../../sidecar/src/session/record-cipher.ts'
import { createSeenSeal } from '../../sidecar/src/session/seen-seal.ts'
import {
  encodeSession,
  type Session,
  sessionIdFrom,
  sidOf,
} from '../../sidecar/src/session/session.ts'
import type { StackClient } from './client.ts'
import { stackFile } from './stack.ts'

/** A session in the stack's Redis, with the records that a sign-in writes. */
export interface MadeSession {
  /** the id that the client presents */
  readonly id: string
  readonly sid: string
  readonly session: Session
}

/**
 * Where sessions are made: the key and the provider of a stack, and the Redis that its gateway
 * uses.
 */
export interface SessionHome extends Pick<StackClient, 'info' | 'mint'> {
  readonly redis: {
    set(key: string, value: string, unit: 'EX', lifetimeSeconds: number): Promise<unknown>
  }
}

export interface SessionWishes {
  readonly principal?: Partial<Principal>
  readonly session?: Partial<Session>
  /** the session's access token, made out for its subject when left out */
  readonly accessToken?: string
}

const LIFETIME_S = 3600

/** Writes a session of the internal tier, by default of `alice`, signed in this second. */
export async function makeSession(
  stack: SessionHome,
  wishes: SessionWishes = {},
): Promise<MadeSession> {
  const nowSeconds = Math.floor(Date.now() / 1000)
  const expiresAtSeconds = nowSeconds + LIFETIME_S
  const id = sessionIdFrom(randomBytes(32))
  const principal = principalOf(nowSeconds, wishes.principal)
  const token = wishes.accessToken ?? (await stack.mint({ sub: principal.subject }))
  const session: Session = {
    sid: sidOf(id),
    principal,
    kind: 'browser',
    tier: 'internal',
    signInSeconds: nowSeconds,
    createdAtSeconds: nowSeconds,
    expiresAtSeconds,
    accessToken: { token, expiresAtSeconds, tokenId: null },
    refreshToken: null,
    idToken: null,
    sourceIp: '127.0.0.1',
    userAgent: 'brickgate tests',
    isUseSealed: true,
    ...wishes.session,
  }
  const record = await createRecordCipher([sessionKeyOf(stack)]).encrypt(encodeSession(session))
  await stack.redis.set(sessionKey(sidOf(id)), record, 'EX', LIFETIME_S)
  return { id, sid: sidOf(id), session }
}

/**
 * The value that a sidecar of the stack leaves under `bg:seen:` for a session that was used then.
 */
export function sealedSeen(
  stack: Pick<SessionHome, 'info'>,
  sid: string,
  usedAtSeconds: number,
): string {
  const seal = createSeenSeal([sessionKeyOf(stack)], { anomaly: () => undefined })
  return seal.seal({ sid, isUseSealed: true }, usedAtSeconds)
}

function sessionKeyOf({ info }: Pick<SessionHome, 'info'>): Buffer {
  return Buffer.from(stackFile(info, 'secrets/session-key').trim(), 'base64url')
}

function principalOf(nowSeconds: number, wishes: Partial<Principal> = {}): Principal {
  return {
    issuerName: 'demo',
    subject: 'alice',
    email: null,
    groups: ['analysts'],
    clientId: 'brickgate-signin',
    tokenId: randomBytes(16).toString('hex'),
    idpSession: randomBytes(16).toString('hex'),
    authTimeSeconds: null,
    issuedAtSeconds: nowSeconds,
    notBeforeSeconds: null,
    expiresAtSeconds: nowSeconds + LIFETIME_S,
    ...wishes,
  }
}
