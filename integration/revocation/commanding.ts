import { jsonLines } from '../harness/client.ts'
import { type StackInfo, stackFile } from '../harness/stack.ts'

/** The lines of operators in the audit log, oldest first. */
export function operatorActs(info: StackInfo): readonly Readonly<Record<string, unknown>>[] {
  const lines = jsonLines(stackFile(info, 'logs/audit.log')) as Readonly<Record<string, unknown>>[]
  return lines.filter((line) => line['event'] === 'revocation')
}
