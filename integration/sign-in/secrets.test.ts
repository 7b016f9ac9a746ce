import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { SIGN_IN_CLIENT } from '../../demo/idp/clients.ts'
import { accessLines, type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { stackFile } from '../harness/stack.ts'
import { createVisitor, readSession, type Visitor } from './browser.ts'

type Secrets = Map<string, string>

it('neither a log nor Redis holds what a sign-in hands out', async () => {
  const stack = stackClient(sharedStack())
  const secrets: Secrets = new Map([['client secret', SIGN_IN_CLIENT.secret]])
  const visitor = createVisitor(stack)
  await signInNoting(stack, visitor, secrets)
  const dumps = [await dumpOf(stack.redis)]
  await failNoting(visitor, secrets)
  await endNoting(stack, visitor, secrets)
  await accessLogHasAll(stack)
  dumps.push(await dumpOf(stack.redis))

  expect(secrets.size).toBeGreaterThan(15)
  const { directory } = stack.info.demo
  const logs = readdirSync(join(directory, 'logs')).filter(
    (name) => name !== 'idp.log' && name !== 'workspace.log', // not of the gateway
  )
  for (const [secret, value] of secrets) {
    expect(value.length, secret).toBeGreaterThan(10)
    for (const name of logs) {
      const text = stackFile(stack.info, `logs/${name}`)
      expect(text.includes(value), `${name} holds ${secret}`).toBe(false)
    }
    for (const dump of dumps) expect(dump.includes(value), `Redis holds ${secret}`).toBe(false)
  }
  stack.close()
})

async function signInNoting(stack: StackClient, visitor: Visitor, secrets: Secrets): Promise<void> {
  const home = visitor.home
  const begun = visitor.redirectOf(await visitor.load(`${home}/_brickgate/sign-in`))
  for (const name of ['state', 'nonce', 'code_challenge']) {
    secrets.set(name, begun.searchParams.get(name) ?? '')
  }
  const dump = await dumpOf(stack.redis)
  const callback = await visitor.signInAtProvider(begun, 'alice')
  secrets.set('code', callback.searchParams.get('code') ?? '')
  secrets.set('sign-in cookie', visitor.signIns().at(-1)?.value ?? '')
  await visitor.load(callback)
  for (const [name, value] of secrets) expect(dump.includes(value), name).toBe(false)
  secrets.set('session id', visitor.sessionId())

  const session = await readSession(stack, visitor.sid())
  noteToken(secrets, 'access token', session.accessToken?.token ?? '')
  noteToken(secrets, 'ID token', session.idToken ?? '')
  secrets.set('refresh token', session.refreshToken ?? '')
  const page = await (await visitor.load(`${home}/_brickgate/`)).text()
  secrets.set('CSRF token', /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '')
}

/** Everything that goes wrong is logged, and so is what the provider answers to it. */
async function failNoting(visitor: Visitor, secrets: Secrets): Promise<void> {
  const begun = visitor.redirectOf(await visitor.load(`${visitor.home}/_brickgate/sign-in`))
  const callback = await visitor.signInAtProvider(begun, 'alice')
  secrets.set('state of a failure', callback.searchParams.get('state') ?? '')
  const code = randomUUID()
  secrets.set('code of a failure', code)
  callback.searchParams.set('code', code)
  expect((await visitor.load(callback)).status).toBe(403)
  expect((await visitor.load(callback)).status).toBe(303) // to the session that there is
}

async function endNoting(stack: StackClient, visitor: Visitor, secrets: Secrets): Promise<void> {
  const token = await stack.mint({ sub: 'nobody', aud: 'brickgate-signin', events: {} })
  noteToken(secrets, 'logout token', token)
  const form = { logout_token: token }
  await visitor.load(`${visitor.home}/_brickgate/backchannel-logout`, form)
  const csrf = secrets.get('CSRF token') ?? ''
  const origin = { origin: visitor.home }
  await visitor.load(`${visitor.home}/_brickgate/sign-out`, { csrf: `${csrf}x` }, origin)
  await visitor.load(`${visitor.home}/_brickgate/sign-out`, { csrf }, origin)
  expect(visitor.sessionId()).toBe('')
}

/** A token as a whole, and each part that alone would be worth something. */
function noteToken(secrets: Secrets, name: string, token: string): void {
  const [, payload = '', signature = ''] = token.split('.')
  secrets.set(name, token)
  secrets.set(`payload of ${name}`, payload)
  secrets.set(`signature of ${name}`, signature)
}

/** Every key of Redis with what it holds, as text. */
async function dumpOf(redis: Redis): Promise<string> {
  const keys = await redis.keys('*')
  const values = await Promise.all(
    keys.map(async (key) => {
      const isIndex = (await redis.type(key)) === 'zset'
      return isIndex ? (await redis.zrange(key, '0', '-1')).join(' ') : await redis.get(key)
    }),
  )
  return keys.map((key, index) => `${key} ${values[index] ?? ''}`).join('\n')
}

/**
 * lighttpd writes its access log some seconds late: a last request tells when all of it is there.
 */
async function accessLogHasAll(stack: StackClient): Promise<void> {
  const path = `/last-${randomUUID()}`
  await stack.send(path)
  await expect
    .poll(() => accessLines(stack.info).some((line) => line['path'] === path), { timeout: 15_000 })
    .toBe(true)
}
