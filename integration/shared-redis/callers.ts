import { randomUUID } from 'node:crypto'
import { makeSession, type SessionHome } from '../harness/sessions.ts'

/** The credential of a caller: the provider's token, or a session. */
export type Form = 'bearer' | 'session'

/** Somebody who sends requests with one credential. */
export interface Caller {
  /** stands in the path of its requests, and so in every log */
  readonly name: string
  readonly form: Form
  readonly credential: string
  readonly subject: string
  readonly tokenId: string
  readonly clientId: string
  readonly idpSession: string
  /** of a session only, else empty */
  readonly sid: string
  readonly signInSeconds: number
}

export interface CallerWishes {
  readonly form: Form
  /** a person of its own when left out */
  readonly subject?: string
  /** epoch seconds, now when left out */
  readonly signInSeconds?: number
  /** how long ago its session was made; 0 when left out */
  readonly ageSeconds?: number
}

const LIFETIME_S = 3600

/**
 * Makes a caller whom the demo's policy permits to read clusters; each has a token, client and
 * sign-in of its own.
 */
export async function makeCaller(stack: SessionHome, wishes: CallerWishes): Promise<Caller> {
  const id = randomUUID()
  const names = {
    // none of these is the gateway's own key, whatever it ends with
    subject: wishes.subject ?? `subject-${id}:heartbeat`,
    tokenId: `token-${id}:heartbeat`,
    clientId: `client-${id}:heartbeat`,
    idpSession: `sign-in-${id}:heartbeat`,
  }
  const nowSeconds = Math.floor(Date.now() / 1000)
  const signInSeconds = wishes.signInSeconds ?? nowSeconds
  const caller = { name: id, form: wishes.form, ...names, signInSeconds }
  if (wishes.form === 'session') {
    const { id: credential, sid } = await makeSession(stack, {
      principal: { ...names, issuedAtSeconds: signInSeconds },
      session: { signInSeconds, createdAtSeconds: nowSeconds - (wishes.ageSeconds ?? 0) },
    })
    return { ...caller, credential, sid }
  }
  const credential = await stack.mint({
    sub: names.subject,
    groups: ['analysts'],
    jti: names.tokenId,
    client_id: names.clientId,
    sid: names.idpSession,
    iat: signInSeconds,
    exp: nowSeconds + LIFETIME_S,
  })
  return { ...caller, credential, sid: '' }
}
