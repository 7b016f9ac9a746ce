/**
 * Makes a task that never runs twice at once. A call while it runs makes it run once more
 * afterwards, so that the last run sees the latest state.
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
