import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A line of `ACL SETUSER …` as words for `redis-cli`. */
export type UserLine = readonly [string, ...string[]]

export const PASSWORD = 'hunter2-hunter2'

const DOCUMENT = join(import.meta.dirname, '../../../docs/redis.md')

/**
 * The users of docs/redis.md, and the default user, which is turned off: tests use the documented
 * lines.
 */
export function documentedUsers(): {
  readonly sidecar: UserLine
  readonly sidecarInCluster: UserLine
  readonly operator: UserLine
  readonly onSentinels: UserLine
  readonly defaultOff: UserLine
} {
  const lines = readFileSync(DOCUMENT, 'utf8').match(/^ {4}ACL SETUSER .*$/gm) ?? []
  const [sidecar, sidecarInCluster, operator, onSentinels, defaultOff] = lines.map(wordsOf)
  if (!defaultOff || !sidecar || !sidecarInCluster || !operator || !onSentinels) {
    throw new Error('a line is gone')
  }
  return { sidecar, sidecarInCluster, operator, onSentinels, defaultOff }
}

function wordsOf(line: string): UserLine {
  const [acl = '', ...words] = line.trim().replace('PASSWORD', PASSWORD).split(' ')
  return [acl, ...words]
}
