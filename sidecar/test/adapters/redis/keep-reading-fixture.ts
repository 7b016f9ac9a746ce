import type { KeyValues } from '../../../src/store/key-values.ts'

/** The values of a reader that reads all the time. */
export interface Answers {
  /** the texts that were read; null stands for a key that is absent */
  readonly values: ReadonlySet<string | null>
  readonly served: number
  readonly failures: number
  stop(): Promise<void>
}

/** Reads the keys again and again, until it is stopped. */
export function keepReading(keyValues: KeyValues, keys: readonly string[]): Answers {
  const values = new Set<string | null>()
  const answers = { values, served: 0, failures: 0, stop }
  const stopping = new AbortController()
  const reading = read()
  return answers

  async function read(): Promise<void> {
    while (!stopping.signal.aborted) {
      const found = await keyValues.read(keys)
      if (found.ok) {
        answers.served += 1
        for (const value of found.value) values.add(value.kind === 'text' ? value.text : null)
      } else answers.failures += 1
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async function stop(): Promise<void> {
    stopping.abort()
    await reading
  }
}
