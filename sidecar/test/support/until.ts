/**
 * Polls until the condition holds.
 *
 * @throws {Error} after 15 seconds
 */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!(await isSo().catch(() => false))) {
    if (Date.now() > deadline) throw new Error('it did not happen')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
