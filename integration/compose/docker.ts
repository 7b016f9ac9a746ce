import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const MAX_BYTES = 256 * 1024 * 1024

/**
 * Runs `docker` with these words.
 *
 * @returns the output
 * @throws {Error} with the message of docker when the command fails
 */
export async function docker(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const env = { ...process.env, ...environment }
  const { stdout } = await run('docker', args, { env, maxBuffer: MAX_BYTES })
  return stdout
}

/** Why no container can be run here, or null when one can. */
export async function whyNoEngine(): Promise<string | null> {
  try {
    await docker(['version', '--format', '{{.Server.Version}}'])
  } catch {
    return 'no Docker engine answers'
  }
  try {
    await docker(['compose', 'version'])
    return null
  } catch {
    return 'Docker has no Compose here'
  }
}

/** The output of `docker inspect` for containers or images. */
export async function inspect(...names: readonly string[]): Promise<readonly Inspected[]> {
  return JSON.parse(await docker(['inspect', ...names])) as readonly Inspected[]
}

/** The parts of a container's description that tests look at. */
export interface Inspected {
  readonly Name: string
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean
    readonly CapDrop: readonly string[] | null
    readonly CapAdd: readonly string[] | null
    readonly Privileged: boolean
    readonly SecurityOpt: readonly string[] | null
    readonly PortBindings: Readonly<Record<string, unknown>> | null
  }
}
