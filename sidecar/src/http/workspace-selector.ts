import type { AccessRequest } from '../domain/access-request.ts'

const SELECTING_PARAMETERS = ['o', 'w'] as const
/** switches the caller to the role of the group with this id */
const ROLE_PARAMETER = 'aid'
/**
 * Below these paths the query belongs to an app: a program on a cluster, a served model.
 *
 * INVARIANT: the front door of a host with several workspaces may read a workspace id there too, so
 * a value that could be an id counts. Otherwise a caller could reach another workspace. Ids have
 * many digits, numbers of apps (`w=800`) have few.
 */
const APPS: ReadonlySet<string> = new Set(['driver-proxy', 'driver-proxy-api', 'serving-endpoints'])
/** in any script, as some number parsers accept them */
const LIKE_AN_ID = /\p{Nd}{6}/u
/** drivers write this for the workspace of the host they connect to */
const OF_THIS_HOST = '0'

/**
 * Whether a target names another workspace, or a role to switch to. On hosts with several
 * workspaces `?o=`, `?w=` and the segment after `/o/` select one, like the headers that the gate
 * pins; `?aid=` selects a role anywhere.
 */
export function namesOtherWorkspace(
  { target, segments }: Pick<AccessRequest, 'target' | 'segments'>,
  workspaceId: string,
): boolean {
  const isOther = (id: string): boolean => id !== workspaceId && id !== OF_THIS_HOST
  if (inPath(segments).some(isOther)) return true
  const at = target.indexOf('?')
  if (at < 0) return false
  const query = new URLSearchParams(target.slice(at + 1))
  const isOfApp = APPS.has(segments[0] ?? '')
  const named = (name: string): readonly string[] =>
    query.getAll(name).filter((value) => !isOfApp || LIKE_AN_ID.test(value))
  return named(ROLE_PARAMETER).length > 0 || SELECTING_PARAMETERS.flatMap(named).some(isOther)
}

/** As in `/sql/protocolv1/o/<id>/<cluster>` and `/driver-proxy-api/o/<id>/…`. */
function inPath([first, second, third, fourth]: readonly string[]): readonly string[] {
  if (second === 'o' && third !== undefined) return [third]
  return first === 'sql' && third === 'o' && fourth !== undefined ? [fourth] : []
}
