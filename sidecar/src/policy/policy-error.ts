import { type Problem, problemLine } from '../domain/problem.ts'

/** An unusable policy document. The message has a line for every problem. */
export class PolicyError extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(problemLine).join('\n'))
    this.name = 'PolicyError'
    this.problems = problems
  }
}
