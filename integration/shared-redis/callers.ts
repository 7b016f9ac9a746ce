import { randomUUID } from 'node:crypto'
import type { StackClient } from '../stack/client.ts'
import { makeSession } from '../stack/sessions.ts'

/** What a caller presents: the provider's token, or a session. */
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
}

const LIFETIME_S = 3600

/** Makes a caller whom the demo's policy permits to read clusters; each has a token, client and sign-in of its own. */
export async function makeCaller(stack: StackClient, wishes: CallerWishes): Promise<Caller> {
  const id = randomUUID()
  const names = {
    subject: wishes.subject ?? `subject-${id}`,
    tokenId: `token-${id}`,
    clientId: `client-${id}`,
    idpSession: `sign-in-${id}`,
  }
  const nowSeconds = Math.floor(Date.now() / 1000)
  const signInSeconds = wishes.signInSeconds ?? nowSeconds
  const caller = { name: id, form: wishes.form, ...names, signInSeconds }
  if (wishes.form === 'session') {
    const { id: credential, sid } = await makeSession(stack, {
      principal: { ...names, issuedAtSeconds: signInSeconds },
      session: { signInSeconds },
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
