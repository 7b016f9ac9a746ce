import { parseArgs } from 'node:util'
import type { RevokeOptions } from './revoke.ts'

const OPTIONS = {
  config: { type: 'string' },
  subject: { type: 'string' },
  at: { type: 'string' },
  until: { type: 'string' },
  for: { type: 'string' },
  keep: { type: 'string' },
  reason: { type: 'string' },
  force: { type: 'boolean', default: false },
  undo: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', short: 'n', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

export type OptionName = keyof typeof OPTIONS

/** The value of every option; each command uses its own. */
export interface Options extends RevokeOptions {
  readonly config: string | undefined
  readonly subject: string | undefined
}

export interface CommandLine {
  /** the name of the command */
  readonly name: string
  readonly operands: readonly string[]
  readonly options: Options
  /** the given options */
  readonly given: readonly OptionName[]
}

/**
 * @param names of the commands, of one or two words
 * @returns null for an unknown command or option, and for an option without its value
 */
export function readCommandLine(
  args: readonly string[],
  names: readonly string[],
): CommandLine | null {
  const parsed = parse(args)
  if (parsed === null) return null
  const { values, positionals, tokens } = parsed
  const given = tokens.filter((token) => token.kind === 'option').map(({ name }) => name)
  const { config, subject, at, until, for: span, keep, reason } = values
  const texts = { config, subject, at, until, for: span, keep, reason }
  const { force, undo, yes, json } = values
  const options = { ...texts, force, undo, yes, json, dryRun: values['dry-run'] }
  if (values.help) return { name: 'help', operands: [], options, given: [] }
  const words = [2, 1].find(
    (count) => count <= positionals.length && names.includes(positionals.slice(0, count).join(' ')),
  )
  if (words === undefined) return null
  return {
    name: positionals.slice(0, words).join(' '),
    operands: positionals.slice(words),
    options,
    given,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
      tokens: true,
    })
  } catch {
    return null // an unknown option: the usage text lists the options
  }
}
