/** A problem of a policy document. */
export interface PolicyProblem {
  /** such as `policies[0].paths[1]`; empty for the whole document */
  readonly path: string
  /** lower case */
  readonly message: string
}

/** An unusable policy document. The message has a line for every problem. */
export class PolicyError extends Error {
  readonly problems: readonly PolicyProblem[]

  constructor(problems: readonly PolicyProblem[]) {
    super(problems.map(line).join('\n'))
    this.name = 'PolicyError'
    this.problems = problems
  }
}

function line({ path, message }: PolicyProblem): string {
  return `${path === '' ? '(document)' : path}: ${message}`
}
