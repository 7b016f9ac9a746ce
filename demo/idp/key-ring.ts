import { generateKeyPair, type KeyObject, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

const generate = promisify(generateKeyPair)

export const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

export interface SigningKey {
  readonly kid: string
  readonly algorithm: Algorithm
  readonly privateKey: KeyObject
}

/** The provider's keys. Of each algorithm there is at least one, and the newest signs. */
export interface KeyRing {
  /** the published key called `kid`, when it is of that algorithm, else the one that signs */
  signer(algorithm: Algorithm, kid?: string): SigningKey
  /** every published key, newest first */
  published(): readonly SigningKey[]
  /** makes a new signing key of every algorithm; the old ones stay published */
  rotate(): Promise<void>
  /**
   * Stops publishing `kid`, or without it every key that no longer signs. A key withdrawn while it
   * is the only one of its algorithm is replaced by a new one.
   *
   * @returns whether anything was withdrawn
   */
  withdraw(kid?: string): Promise<boolean>
}

const MAX_GENERATIONS = 16

export async function createKeyRing(): Promise<KeyRing> {
  let keys = await createGeneration(ALGORITHMS)
  const signer = (algorithm: Algorithm, kid?: string): SigningKey => {
    const candidates = keys.filter((key) => key.algorithm === algorithm)
    const found = candidates.find((key) => key.kid === kid) ?? candidates[0]
    if (found === undefined) throw new Error(`the ring lost its ${algorithm} key`)
    return found
  }
  return {
    signer,
    published: () => keys,
    async rotate() {
      const generation = await createGeneration(ALGORITHMS)
      keys = [...generation, ...keys].slice(0, MAX_GENERATIONS * ALGORITHMS.length)
    },
    async withdraw(kid) {
      const isKept = (key: SigningKey): boolean =>
        kid === undefined ? key === signer(key.algorithm) : key.kid !== kid
      const isLost = (algorithm: Algorithm): boolean =>
        keys.every((key) => key.algorithm !== algorithm || !isKept(key))
      if (keys.every(isKept)) return false
      const replacements = await createGeneration(ALGORITHMS.filter(isLost))
      keys = [...replacements, ...keys.filter(isKept)]
      return true
    },
  }
}

function createGeneration(algorithms: readonly Algorithm[]): Promise<SigningKey[]> {
  return Promise.all(algorithms.map(createKey))
}

async function createKey(algorithm: Algorithm): Promise<SigningKey> {
  const kid = `${algorithm.toLowerCase()}-${randomBytes(6).toString('hex')}`
  return { kid, algorithm, privateKey: (await createPair(algorithm)).privateKey }
}

function createPair(algorithm: Algorithm): Promise<{ readonly privateKey: KeyObject }> {
  if (algorithm === 'ES256') return generate('ec', { namedCurve: 'P-256' })
  if (algorithm === 'EdDSA') return generate('ed25519')
  return generate('rsa', { modulusLength: 2048 })
}
