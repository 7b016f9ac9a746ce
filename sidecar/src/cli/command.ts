import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ConfigError, EXIT_CONFIG } from '../config/config-error.ts'
import { configJsonSchema } from '../config/json-schema.ts'
import { type LoadedConfig, loadConfig } from '../config/load.ts'
import { readProof } from '../config/proof.ts'
import { compilePolicies } from '../policy/compile.ts'
import { runPrimary } from '../primary.ts'
import { VERSION } from '../version.ts'
import { edgeSettings, environmentFile } from './settings.ts'
import { stateAccept, stateInit, stateShow } from './state.ts'

/** A command line that is not understood (sysexits.h, EX_USAGE). */
const EXIT_USAGE = 64
const EXIT_FAILED = 1

const USAGE = `usage: brickgate COMMAND [--config FILE]

  serve             run the sidecar
  config check      check brickgate.yaml and what it names, listing every problem
  config schema     print the JSON Schema of brickgate.yaml
  settings          print the environment of lighttpd and HAProxy
  state init        say that Redis holds all state, once, at installation
  state show        show whether Redis has lost state
  state accept      accept a loss of state: older tokens work again
  version           print the version

FILE is brickgate.yaml in the current folder unless --config or BRICKGATE_CONFIG names another.
`

const HOME = resolve(import.meta.dirname, '../../..')

interface Invocation {
  readonly configFile: string
  readonly load: () => LoadedConfig
}

type Command = (invocation: Invocation) => Promise<void> | void

const COMMANDS: Readonly<Record<string, Command>> = {
  serve: ({ load }) => runPrimary(load),
  'config check': ({ configFile, load }) => {
    load()
    print(`${configFile} is usable\n`)
  },
  'config schema': () => print(`${JSON.stringify(configJsonSchema(), null, 2)}\n`),
  settings: ({ load }) => {
    const { config } = load()
    print(environmentFile(edgeSettings(config, HOME, `${config.runtime.directory}/logs`)))
  },
  'state init': async ({ load }) => print(`${await stateInit(load().config)}\n`),
  'state show': async ({ load }) => print(`${await stateShow(load().config)}\n`),
  'state accept': async ({ load }) => print(`${await stateAccept(load().config)}\n`),
  version: () => print(`${VERSION}\n`),
}

/**
 * Runs one `brickgate` command.
 *
 * @returns the exit code: 0, 1 when it failed, 64 when it is not understood, 78 for the configuration
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  const parsed = parse(args)
  const command = parsed === null ? null : commandCalled(parsed.name)
  if (parsed === null || command === null) {
    process.stderr.write(USAGE)
    return EXIT_USAGE
  }
  const { configFile } = parsed
  try {
    const checks = { policy: compilePolicies, proof: readProof }
    const load = (): LoadedConfig => loadConfig(configFile, process.env, checks)
    await command({ configFile, load })
    return 0
  } catch (error) {
    process.stderr.write(`brickgate: ${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof ConfigError ? EXIT_CONFIG : EXIT_FAILED
  }
}

function commandCalled(name: string): Command | null {
  return Object.hasOwn(COMMANDS, name) ? (COMMANDS[name] ?? null) : null
}

function parse(args: readonly string[]): { name: string; configFile: string } | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { config: { type: 'string' } },
      allowPositionals: true,
    })
    const configFile = values.config ?? process.env['BRICKGATE_CONFIG'] ?? 'brickgate.yaml'
    return { name: positionals.join(' '), configFile }
  } catch {
    return null // an unknown option: the usage says what there is
  }
}

function print(text: string): void {
  process.stdout.write(text)
}
