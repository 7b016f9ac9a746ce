import operations from '../../data/databricks-operations.json' with { type: 'json' }

/**
 * Findings about an operation of Databricks; `looked-at` in the table means none of these.
 * `vends-credentials`: the answer contains something that works without the gateway (a token, a
 * password, a signed URL), or the workspace accepts another issuer's tokens from then on.
 * `reads-secrets`: the operation reads a store of secrets, its contents or its readers.
 */
export const FLAGS = ['vends-credentials', 'reads-secrets'] as const
export type Flag = (typeof FLAGS)[number]

const VERSION = /^v?[0-9]/
const PLACEHOLDER = /^\{[^}]*\}$/
const REST = /\/\{[^}]*\.\.\.\}$/

/**
 * @returns path patterns of every operation with any of the flags, for every version of its API;
 *   none covers another. Every method below a flagged path counts.
 */
export function flaggedPaths(flags: readonly Flag[]): readonly string[] {
  const isFlagged = (of: readonly string[]): boolean => flags.some((flag) => of.includes(flag))
  return widest(
    operations.filter((operation) => isFlagged(operation.flags)).map(({ path }) => patternOf(path)),
  )
}

/** @returns the patterns that no other pattern covers */
export function widest(patterns: readonly string[]): readonly string[] {
  const different = [...new Set(patterns)]
  return different.filter((pattern) =>
    different.every((other) => other === pattern || !isCovered(pattern, other)),
  )
}

/**
 * `/api/2.0/preview/a/{id}/b/{path...}` becomes `/api/<any version>/a/<any>/b` and everything
 * below.
 */
function patternOf(template: string): string {
  const [empty = '', api = '', ...segments] = template.replace(REST, '').split('/')
  const named = segments.map((segment) => (PLACEHOLDER.test(segment) ? '*' : segment))
  if (api !== 'api') return [empty, api, ...named].join('/')
  const anyVersion = named.map((segment, at) => (at < 2 && VERSION.test(segment) ? '*' : segment))
  return [
    empty,
    api,
    ...anyVersion.filter((segment, at) => at !== 1 || segment !== 'preview'),
  ].join('/')
}

function isCovered(pattern: string, by: string): boolean {
  const segments = pattern.split('/')
  return by.split('/').every((part, at) => {
    const segment = segments[at]
    if (segment === undefined) return false
    if (!part.endsWith('*')) return segment === part
    return segment.startsWith(part.slice(0, -1))
  })
}
