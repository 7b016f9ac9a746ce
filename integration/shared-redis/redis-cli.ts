import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { StackInfo } from '../harness/stack.ts'

/**
 * A `redis-cli` that runs all the time and takes a command a line, as an operator at its prompt.
 */
export interface RedisCli {
  /** @returns the line Redis replied with, an error included */
  run(args: readonly string[]): Promise<string>
  close(): Promise<void>
}

export function openRedisCli({ demo }: StackInfo): RedisCli {
  const child = spawn('redis-cli', ['-p', String(demo.ports.redis)])
  const waiting: ((line: string) => void)[] = []
  createInterface(child.stdout).on('line', (line) => {
    if (line !== '') waiting.shift()?.(line) // an empty line ends an error
  })
  return {
    run: (args) =>
      new Promise((resolve) => {
        waiting.push(resolve)
        child.stdin.write(`${args.map((arg) => JSON.stringify(arg)).join(' ')}\n`)
      }),
    close: () => end(child),
  }
}

async function end(child: ChildProcessWithoutNullStreams): Promise<void> {
  const ended = once(child, 'exit')
  child.stdin.end()
  await ended
}
