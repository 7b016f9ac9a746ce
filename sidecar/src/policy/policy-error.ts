/** One thing that is wrong with a policy document. */
export interface PolicyProblem {
  /** where it stands, such as `policies[0].paths[1]`; empty for the whole document */
  readonly path: string
  /** what is wrong, lower case */
  readonly message: string
}

/** A policy document that must not come into force. Its message is a line for every problem, not the first. */
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
