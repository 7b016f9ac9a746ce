import { resolve } from 'node:path'
import { ConfigError, EXIT_CONFIG } from '../config/config-error.ts'
import { configJsonSchema } from '../config/json-schema.ts'
import { type LoadedConfig, loadConfig } from '../config/load.ts'
import { readProof } from '../config/proof.ts'
import type { Config } from '../config/schema.ts'
import { VERSION } from '../config/version.ts'
import { problemLine } from '../domain/problem.ts'
import { appendProblem } from '../observe/append-file.ts'
import { ownershipProblem } from '../observe/operator-audit.ts'
import { compilePolicies } from '../policy/compile.ts'
import type { RevocationTarget } from '../revocation/revocation-keys.ts'
import { CommandError, EXIT } from './command-error.ts'
import { type CommandLine, type OptionName, type Options, readCommandLine } from './command-line.ts'
import { isReaderGone, print } from './output.ts'
import { revoke } from './revoke.ts'
import { sessionsList, sessionsRevoke, sessionsShow } from './sessions.ts'
import { edgeSettings, environmentFile } from './settings.ts'
import { stateAccept, stateInit, stateShow } from './state.ts'
import { USAGE } from './usage.ts'

const HOME = resolve(import.meta.dirname, '../../..')

interface Invocation {
  readonly configFile: string
  readonly load: () => LoadedConfig
  /** the subject of the command, such as a sid; empty for a command without an operand */
  readonly operand: string
  readonly options: Options
}

interface Command {
  /** name of the operand; absent for a command without an operand */
  readonly operand?: string
  readonly options?: readonly OptionName[]
  /** @returns the output, if any */
  run(invocation: Invocation): Promise<string | void> | string | void
}

const REVOKE_OPTIONS = [
  'at',
  'until',
  'for',
  'keep',
  'reason',
  'force',
  'undo',
  'dry-run',
  'json',
] as const

const COMMANDS: Readonly<Record<string, Command>> = {
  serve: {
    run: async ({ configFile, load }) => {
      const { runPrimary } = await import('../processes/primary.ts') // only for `serve`
      return runPrimary(() =>
        withAuditLog(configFile, load(), ({ audit }) => appendProblem(audit.file)),
      )
    },
  },
  'config check': {
    run: ({ configFile, load }) => {
      const { warnings } = withAuditLog(
        configFile,
        load(),
        ({ audit, runtime }) =>
          appendProblem(audit.file) ?? ownershipProblem(audit.file, runtime.proof_file),
      )
      for (const warning of warnings) {
        process.stderr.write(`brickgate: warning: ${problemLine(warning)}\n`)
      }
      return `${configFile} is usable\n`
    },
  },
  'config schema': { run: () => `${JSON.stringify(configJsonSchema(), null, 2)}\n` },
  settings: {
    run: ({ load }) => {
      const { config } = load()
      return environmentFile(edgeSettings(config, HOME, `${config.runtime.directory}/logs`))
    },
  },
  'sessions list': {
    options: ['subject', 'json'],
    run: ({ load, options: { subject, json } }) => sessionsList(load().config, { subject, json }),
  },
  'sessions show': {
    operand: 'SID',
    options: ['json'],
    run: ({ load, operand, options }) => sessionsShow(load().config, operand, options.json),
  },
  'sessions revoke': {
    operand: 'SID',
    options: ['reason', 'dry-run', 'json'],
    run: ({ load, operand, options }) => sessionsRevoke(load().config, operand, options),
  },
  'revoke subject': revokeCommand('subject', 'ISSUER|SUBJECT'),
  'revoke client': revokeCommand('client', 'ISSUER|CLIENT'),
  'revoke token': revokeCommand('token', 'ISSUER|TOKEN-ID'),
  'revoke idp-session': revokeCommand('idp-session', 'ISSUER|IDP-SID'),
  'revoke session': revokeCommand('session', 'SID'),
  'revoke issuer': revokeCommand('issuer', 'ISSUER'),
  'revoke all': {
    options: [...REVOKE_OPTIONS, 'yes'],
    run: ({ load, options }) => revoke('all', '', options, load().config),
  },
  'state init': {
    options: ['json'],
    run: ({ load, options }) => stateInit(load().config, options.json),
  },
  'state show': {
    options: ['json'],
    run: ({ load, options }) => stateShow(load().config, options.json),
  },
  'state accept': {
    options: ['reason', 'dry-run', 'json'],
    run: ({ load, options }) => stateAccept(load().config, options),
  },
  version: { run: () => `${VERSION}\n` },
  help: { run: () => USAGE },
}

/**
 * Runs a `brickgate` command.
 *
 * @returns the exit code: 0, 1 for a failure, 64 for a wrong command line, 66 when there is no
 *   such session or revocation, 69 when Redis does not answer, 78 for the configuration
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  process.stdout.on('error', () => undefined) // `print` reports it to its caller
  try {
    const line = readCommandLine(args, Object.keys(COMMANDS))
    const command = line === null ? undefined : COMMANDS[line.name]
    if (line === null || command === undefined) {
      process.stderr.write(USAGE)
      return EXIT.usage
    }
    checkCommandLine(line, command)
    const text = await command.run(invocationOf(line))
    if (typeof text === 'string') await print(text)
    return 0
  } catch (error) {
    if (isReaderGone(error)) return 0
    process.stderr.write(`brickgate: ${error instanceof Error ? error.message : String(error)}\n`)
    if (error instanceof CommandError) return error.exitCode
    return error instanceof ConfigError ? EXIT_CONFIG : EXIT.failed
  }
}

function checkCommandLine({ name, operands, given }: CommandLine, command: Command): void {
  const { operand, options = [] } = command
  const stray = given.find((option) => option !== 'config' && !options.includes(option))
  if (stray !== undefined) throw new CommandError('usage', `\`${name}\` takes no --${stray}`)
  const isComplete = operands.length === (operand === undefined ? 0 : 1)
  if (isComplete) return
  throw new CommandError('usage', `\`${name}\` takes ${operand ?? 'nothing more'}, see \`help\``)
}

function invocationOf({ operands, options }: CommandLine): Invocation {
  const configFile = options.config ?? process.env['BRICKGATE_CONFIG'] ?? 'brickgate.yaml'
  const checks = { policy: compilePolicies, proof: readProof }
  return {
    configFile,
    load: () => loadConfig(configFile, process.env, checks),
    operand: operands[0] ?? '',
    options,
  }
}

/** @throws {ConfigError} with the reason why the audit log cannot be appended to */
function withAuditLog(
  configFile: string,
  loaded: LoadedConfig,
  problemOf: (config: Config) => string | null,
): LoadedConfig {
  const message = problemOf(loaded.config)
  if (message === null) return loaded
  throw new ConfigError(configFile, [{ path: 'audit.file', message }], loaded.files)
}

function revokeCommand(kind: RevocationTarget['kind'], operand: string): Command {
  return {
    operand,
    options: REVOKE_OPTIONS,
    run: ({ load, operand, options }) => revoke(kind, operand, options, load().config),
  }
}
