import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { HOME } from '../../launch/gateway.ts'
import type { StackInfo } from './stack.ts'

/** How a command ended. */
export interface CommandResult {
  /** exit code; null when a signal ended it */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const WITHIN_MS = 60_000

/**
 * Runs a command as an operator does, whatever its exit code.
 *
 * @throws when it cannot be started
 */
export function run(file: string, args: readonly string[], stdin?: string): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, { timeout: WITHIN_MS }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code
      if (typeof code === 'string') reject(error)
      else resolve({ code: code ?? null, stdout, stderr })
    })
    if (stdin !== undefined) child.stdin?.end(stdin)
  })
}

/**
 * `redis-cli` on the stack's Redis.
 *
 * @returns the output
 * @throws {Error} for an error of Redis
 */
export async function redisCli(info: StackInfo, ...args: readonly string[]): Promise<string> {
  const result = await run('redis-cli', ['-e', '-p', String(info.demo.ports.redis), ...args])
  if (result.code !== 0) throw new Error(`redis-cli ${args[0]}: ${result.stdout}${result.stderr}`)
  return result.stdout.trimEnd()
}

/** `bin/brickgate` with the stack's configuration. */
export function brickgate(info: StackInfo, ...args: readonly string[]): Promise<CommandResult> {
  return run(join(HOME, 'bin/brickgate'), [...args, '--config', info.demo.configFile])
}
