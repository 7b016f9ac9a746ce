/**
 * Makes a task that never runs twice at once. Asked for while it runs, it runs once more afterwards, so
 * that what came last is what it last saw.
 *
 * @param task must not reject
 */
export function oneAtATime(task: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  let isWanted = false
  return () => {
    isWanted = true
    running ??= run().finally(() => {
      running = null
    })
    return running
  }

  async function run(): Promise<void> {
    while (isWanted) {
      isWanted = false
      await task()
    }
  }
}
