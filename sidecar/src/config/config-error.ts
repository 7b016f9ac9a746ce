import { type Problem, problemLine } from '../domain/problem.ts'

/** An unusable configuration. It lists every problem. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[]
  /** the files of the configuration, as far as they are known */
  readonly files: readonly string[]

  constructor(source: string, problems: readonly Problem[], files: readonly string[] = []) {
    super(
      [`${source} is not usable:`, ...problems.map((one) => `  ${problemLine(one)}`)].join('\n'),
    )
    this.name = 'ConfigError'
    this.problems = problems
    this.files = files
  }
}

/** The exit code for an unusable configuration (sysexits.h, EX_CONFIG). */
export const EXIT_CONFIG = 78
