import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { HOME } from '../../launch/gateway.ts'
import { freePort } from '../../launch/probe.ts'
import { type BackgroundProcess, startProcess, stopProcess } from '../../launch/process.ts'
import { type StackInfo, stackFile } from '../harness/stack.ts'

/** The command that starts a sidecar. */
export const BRICKGATE: string = join(HOME, 'bin/brickgate')

/** A sidecar that shares the socket folder of a stack with the stack's own. */
export interface FurtherSidecar {
  readonly pid: number
  /** the slot it took */
  readonly slot: number
  stop(): Promise<void>
}

/**
 * Starts one with the stack's configuration, but one worker and admin pages of its own.
 *
 * @param program the program that runs `serve`, with its first arguments
 */
export async function startFurther(
  info: StackInfo,
  name: string,
  program: readonly [string, ...string[]] = [BRICKGATE],
): Promise<FurtherSidecar> {
  const { directory } = info.demo
  const pid = await startProcess(await furtherSidecar(info, name, program), directory)
  const started = stackFile(info, `logs/${name}.log`)
    .split('\n')
    .findLast((line) => line.includes('"msg":"started"'))
  const { slot } = JSON.parse(started ?? '{}') as { slot: number }
  return { pid, slot, stop: () => stopProcess(name, directory) }
}

async function furtherSidecar(
  info: StackInfo,
  name: string,
  [command, ...args]: readonly [string, ...string[]],
): Promise<BackgroundProcess> {
  const admin = `127.0.0.1:${await freePort()}`
  return {
    name,
    command,
    args: [...args, ...serveArguments(writeConfig(info, name, admin))],
    environment: {},
    isReady: () => isReady(`http://${admin}/readyz`),
  }
}

export function serveArguments(configFile: string): string[] {
  return ['serve', '--config', configFile]
}

/**
 * @param admin the address of its admin pages.
 * @returns the path of the configuration written
 */
export function writeConfig({ demo }: StackInfo, name: string, admin: string): string {
  const file = join(demo.directory, `${name}.yaml`)
  const config = parse(readFileSync(demo.configFile, 'utf8'))
  const changed = {
    ...config,
    admin: { listen: admin },
    runtime: { ...config.runtime, workers: 1 },
  }
  writeFileSync(file, stringify(changed), { mode: 0o600 })
  return file
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1000) })).ok
  } catch {
    return false // not listening yet
  }
}
