import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A simulated service as a process of its own. */
export interface SpawnedService<Listening> {
  readonly child: ChildProcess
  /** the announced addresses, not validated */
  readonly listening: Listening
  /**
   * asks it to stop.
   *
   * @returns its exit code, null when a signal ended it
   */
  stop(): Promise<number | null>
}

/**
 * Starts a service's `main.ts` and waits until it listens; its stderr goes to ours.
 *
 * @throws with the exit code when it ends before that
 */
export async function spawnService<Listening>(
  main: string,
  args: readonly string[],
): Promise<SpawnedService<Listening>> {
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  const child = spawn(process.execPath, [main, ...args], { stdio: [...stdio] })
  const exited = once(child, 'exit')
  const [line] = await Promise.race([once(child.stdout, 'data'), exited])
  if (child.exitCode !== null) throw new Error(`${main} ended with ${child.exitCode}`)
  return {
    child,
    listening: JSON.parse(String(line)).listening,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await exited
      return code
    },
  }
}
