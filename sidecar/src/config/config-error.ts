/** One thing that is wrong with a configuration. */
export interface Problem {
  /** where it stands, such as `issuers[0].audiences`; empty for the whole document */
  readonly path: string
  /** what is wrong, lower case, without a secret in it */
  readonly message: string
}

/** A configuration that must not start anything. It lists every problem, not the first. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[]
  /** the files that the configuration is made of, as far as they could be told */
  readonly files: readonly string[]

  constructor(source: string, problems: readonly Problem[], files: readonly string[] = []) {
    super([`${source} is not usable:`, ...problems.map(line)].join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
    this.files = files
  }
}

/** The exit code for a configuration that is not usable (sysexits.h, EX_CONFIG). */
export const EXIT_CONFIG = 78

/** Renders a path of keys and indexes as `issuers[0].audiences`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
}

function line(problem: Problem): string {
  return `  ${problem.path === '' ? '(document)' : problem.path}: ${problem.message}`
}
