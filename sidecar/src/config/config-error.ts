/** A problem of a configuration. */
export interface Problem {
  /** such as `issuers[0].audiences`; empty for the whole document */
  readonly path: string
  /** lower case, without a secret */
  readonly message: string
}

/** An unusable configuration. It lists every problem. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[]
  /** the files of the configuration, as far as they are known */
  readonly files: readonly string[]

  constructor(source: string, problems: readonly Problem[], files: readonly string[] = []) {
    super([`${source} is not usable:`, ...problems.map(line)].join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
    this.files = files
  }
}

/** The exit code for an unusable configuration (sysexits.h, EX_CONFIG). */
export const EXIT_CONFIG = 78

/** A path of keys and indexes as `issuers[0].audiences`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
}

function line(problem: Problem): string {
  return `  ${problem.path === '' ? '(document)' : problem.path}: ${problem.message}`
}
