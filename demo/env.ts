import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Agent, fetch } from 'undici'
import type { Demo } from './demo.ts'

/** The demo's tokens by the name under which `demo.env` has them. */
export type DemoTokens = Readonly<Record<string, string>>

const LIFETIME_S = 8 * 3600

const TOKENS = [
  { name: 'TOKEN_ALICE', claims: { sub: 'alice', groups: ['analysts', 'data-eng'] } },
  { name: 'TOKEN_BOB', claims: { sub: 'bob', groups: ['analysts'] } },
  { name: 'TOKEN_ADMIN', claims: { sub: 'admin', groups: ['platform-admins'] } },
  { name: 'TOKEN_CI', claims: { sub: 'demo-ci', client_id: 'demo-ci' } },
  { name: 'TOKEN_EXPIRED', claims: { sub: 'alice', groups: ['analysts'] }, ageS: LIFETIME_S + 600 },
  {
    name: 'TOKEN_WRONG_AUD',
    claims: { sub: 'alice', groups: ['analysts'], aud: 'api://another-service' },
  },
] as const

/**
 * Requests a token with these claims from the demo's provider.
 *
 * @throws {Error} when the provider answers without a token
 */
export async function mintToken(demo: Demo, claims: object): Promise<string> {
  const dispatcher = new Agent({ connect: { ca: readFileSync(demo.pki.ca, 'utf8') } })
  try {
    const response = await fetch(`https://localhost:${demo.ports.idp}/__demo/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(claims),
      dispatcher,
    })
    const body = await response.json()
    if (typeof body === 'object' && body !== null && 'access_token' in body) {
      return String(body.access_token)
    }
    throw new Error(`the provider made no token: ${response.status} ${JSON.stringify(body)}`)
  } finally {
    await dispatcher.close()
  }
}

export async function mintDemoTokens(demo: Demo): Promise<DemoTokens> {
  const nowS = Math.floor(Date.now() / 1000)
  const pairs = TOKENS.map(async (row) => {
    const iat = nowS - ('ageS' in row ? row.ageS : 0)
    const email = 'groups' in row.claims ? { email: `${row.claims.sub}@example.com` } : {}
    const claims = { iat, exp: iat + LIFETIME_S, ...email, ...row.claims }
    return [row.name, await mintToken(demo, claims)] as const
  })
  return Object.fromEntries(await Promise.all(pairs))
}

/**
 * Writes `demo.env` in shell syntax, readable by its owner only, for it holds tokens.
 *
 * @param changed values that differ where the demo runs in containers
 */
export function writeDemoEnv(
  demo: Demo,
  tokens: DemoTokens,
  changed: Readonly<Record<string, string>> = {},
): string {
  const { ports } = demo
  const file = join(demo.directory, 'demo.env')
  const values = {
    BRICKGATE_URL: `https://localhost:${ports.internal}`,
    BRICKGATE_EXTERNAL_URL: `https://localhost:${ports.external}`,
    BRICKGATE_CA: demo.pki.ca,
    BRICKGATE_ADMIN_URL: `http://127.0.0.1:${ports.admin}`,
    REDIS_URL: `redis://127.0.0.1:${ports.redis}`,
    IDP_URL: `https://localhost:${ports.idp}`,
    SIM_URL: `http://127.0.0.1:${ports.control}`,
    ...tokens,
    ...changed,
  }
  const lines = Object.entries(values).map(([name, value]) => `export ${name}='${value}'\n`)
  writeFileSync(file, lines.join(''), { mode: 0o600 })
  return file
}
