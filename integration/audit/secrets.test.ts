import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Outgoing, sendRaw } from '../harness/answer.ts'
import { accessLines, type StackClient, stackClient } from '../harness/client.ts'
import { makeSession } from '../harness/sessions.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { stackFile } from '../harness/stack.ts'

let stack: StackClient

beforeAll(() => {
  stack = stackClient(sharedStack())
})

afterAll(() => stack.close())

it('no log holds a token, cookie, session id, password, query, body or secret of the deployment', async () => {
  const bearer = await stack.mint({ sub: 'alice', groups: ['analysts'] })
  const refused = await stack.mint({ sub: 'alice', aud: 'another' })
  const basic = await stack.mint({ sub: 'alice', groups: ['analysts'] })
  const [cookie, session] = [(await makeSession(stack)).id, (await makeSession(stack)).id]
  const unknown = `bgs_${randomUUID().replaceAll('-', '')}AAAAAAAAAAA`
  const [query, body, foreign] = [randomUUID(), randomUUID(), randomUUID()]
  const encoded = Buffer.from(`token:${basic}`).toString('base64')
  const headers: Record<string, string>[] = [
    { authorization: `Bearer ${bearer}` },
    { authorization: `Bearer ${refused}` },
    { authorization: `Basic ${encoded}` },
    { authorization: `Bearer ${session}` },
    { authorization: `Bearer ${unknown}` },
    { authorization: `Bearer ${bearer}, Bearer ${session}` },
    { authorization: `Digest ${bearer}` },
    { cookie: `__Host-brickgate=${cookie}; other=${foreign}` },
    { cookie: `__Host-brickgate=${cookie}; __Host-brickgate=${session}` },
    { cookie: `__Host-brickgate=${unknown}` },
  ]
  for (const tried of headers) await sendEverywhere({ headers: tried }, query)
  await sendEverywhere(
    { headers: headers[0] ?? {}, method: 'POST', body: `password=${body}` },
    query,
  )
  await sendBroken(bearer, query)
  await accessLogHasAll()

  const secrets = {
    ...parts('bearer', bearer),
    ...parts('refused', refused),
    ...parts('basic', basic),
    ...{ encoded, cookie, session, unknown, query, body, foreign },
    ...deploymentSecrets(),
  }
  for (const name of readdirSync(join(stack.info.demo.directory, 'logs'))) {
    if (name === 'idp.log' || name === 'workspace.log') continue // not of the gateway
    const text = stackFile(stack.info, `logs/${name}`)
    for (const [secret, value] of Object.entries(secrets)) {
      expect(text.includes(value), `${name} holds ${secret}`).toBe(false)
    }
  }
})

/**
 * To the workspace, to the responder, to what the gate refuses, on every tier of every lighttpd.
 */
async function sendEverywhere(outgoing: Outgoing, query: string): Promise<void> {
  const paths = ['/api/2.1/clusters/list', '/_brickgate/whoami', '/_brickgate/none', '/a;b', '/%zz']
  for (const path of paths) {
    await stack.send(`${path}?code=${query}&access_token=${query}`, outgoing)
  }
}

/** Requests that lighttpd rejects before the gate runs. */
async function sendBroken(bearer: string, query: string): Promise<void> {
  const head = `Host: localhost\r\nAuthorization: Bearer ${bearer}\r\nConnection: close\r\n`
  for (const line of [
    `GET /a/../b?code=${query} HTTP/1.1`,
    `GET /a//b?code=${query} HTTP/1.1`,
    `FETCH /a?code=${query} HTTP/1.1`,
    `GET /a?code=${query} HTTP/3.7`,
    `GET /a?code=${query}`,
    `TRACE /a?code=${query} HTTP/1.1`,
  ]) {
    await sendRaw(stack.listener(), `${line}\r\n${head}\r\n`)
  }
  const long = `X-Long: ${'a'.repeat(70_000)}\r\n`
  const answer = await sendRaw(
    stack.listener(),
    `GET /a?code=${query} HTTP/1.1\r\n${head}${long}\r\n`,
  ).catch(() => '') // lighttpd may close while it is still being written to
  expect(answer).not.toContain(query)
}

/**
 * lighttpd writes its access log some seconds late: a last request tells when all of it is there.
 */
async function accessLogHasAll(): Promise<void> {
  const path = `/last-${randomUUID()}`
  await stack.send(path)
  await expect
    .poll(() => accessLines(stack.info).some((line) => line['path'] === path), { timeout: 15_000 })
    .toBe(true)
}

/** A token as a whole, and each part that alone would be worth something. */
function parts(name: string, token: string): Record<string, string> {
  const [, payload = '', signature = ''] = token.split('.')
  return { [name]: token, [`payload of ${name}`]: payload, [`signature of ${name}`]: signature }
}

function deploymentSecrets(): Record<string, string> {
  const names = ['proof', 'session-key', 'workspace-token']
  return Object.fromEntries(
    names.map((name) => [name, stackFile(stack.info, `secrets/${name}`).trim()]),
  )
}
