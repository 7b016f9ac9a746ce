import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { STATE_KEY, sessionKey } from '../src/domain/redis-keys.ts'
import { ok } from '../src/domain/result.ts'
import { ABSENT, type StoredValue, storedText } from '../src/domain/stored-value.ts'
import { createNearCache } from '../src/near-cache/near-cache.ts'
import { revocationKeys } from '../src/revocation/revocation-keys.ts'

const SESSIONS = 10_000
/** a record after a sign-in, with the access token of an IdP */
const RECORD_CHARACTERS = 2000
const STATE = storedText('{"id":"bench","since":0}')

/** Memory of a session in use in a worker: its record, and that none of its keys is revoked. */
export async function benchNearCache(): Promise<void> {
  const cache = createNearCache({
    keyValues: { read: async (keys) => ok(keys.map(valueOf)) },
    feed: { stalenessMs: () => 0, serverId: () => 'bench' },
    observer: { hit: nothing, miss: nothing, invalidated: nothing },
    maxStalenessMs: 1000,
    serveKnownForMs: null,
    bounds: { maxEntries: 1_000_000, maxCharacters: 1_000_000_000 },
  })
  const before = heapBytes()
  for (let number = 0; number < SESSIONS; number++) {
    const { sid, keys } = keysOf(number)
    await cache.read([sessionKey(sid)])
    await cache.read(keys)
  }
  const taken = heapBytes() - before
  process.stdout.write(
    `the near cache takes ${Math.round(taken / SESSIONS)} bytes of heap a session in use, ` +
      `${RECORD_CHARACTERS} of them its record: ${Math.round(taken / cache.size)} bytes a key\n`,
  )
}

function valueOf(key: string): StoredValue {
  if (key === STATE_KEY) return STATE
  if (!key.startsWith(sessionKey(''))) return ABSENT
  return storedText(randomBytes((RECORD_CHARACTERS / 4) * 3).toString('base64url'))
}

function keysOf(number: number): { readonly sid: string; readonly keys: readonly string[] } {
  const sid = randomBytes(32).toString('hex')
  const principal = {
    ...{
      issuerName: 'okta',
      subject: `00u${number}`,
      clientId: 'brickgate',
      email: null,
      groups: [],
    },
    ...{ tokenId: `AT.${number}`, idpSession: `102${number}`, authTimeSeconds: 0 },
    ...{ issuedAtSeconds: 0, notBeforeSeconds: null, expiresAtSeconds: 0 },
  }
  return {
    sid,
    keys: revocationKeys(principal, { sid, accessToken: null }).map(({ name }) => name),
  }
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

function nothing(): void {
  // figures are not checked
}
