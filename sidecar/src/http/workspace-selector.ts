import type { AccessRequest } from '../domain/access-request.ts'

const SELECTING_PARAMETERS = ['o', 'w'] as const
/** switches the caller to the role of a group (its id is the value) */
const ROLE_PARAMETER = 'aid'
/**
 * Below these an app has a query of its own: a program on a cluster, a served model. INVARIANT: on a host
 * of several workspaces the front door may read a workspace there, too, so a value that could be the id of
 * one counts: ids have many digits, and numbers of apps (`w=800`) have few.
 */
const APPS: ReadonlySet<string> = new Set(['driver-proxy', 'driver-proxy-api', 'serving-endpoints'])
/** in any script, as some parsers of numbers take them */
const LIKE_AN_ID = /\p{Nd}{6}/u
/** what drivers write for the workspace of the host they speak to */
const OF_THIS_HOST = '0'

/**
 * Whether a target names another workspace than ours, or a role to switch to. On hosts that serve several
 * workspaces, `?o=`, `?w=` and the segment after `/o/` choose one, as the headers do that the gate pins;
 * `?aid=` chooses a role anywhere.
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
