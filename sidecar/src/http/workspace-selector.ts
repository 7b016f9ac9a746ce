import type { AccessRequest } from '../domain/access-request.ts'

const SELECTING_PARAMETERS = ['o', 'w'] as const
/** what drivers write for the workspace of the host they speak to */
const OF_THIS_HOST = '0'

/**
 * Whether a target names another workspace than ours. On hosts that serve several, `?o=`, `?w=` and the
 * segment after `/o/` choose one, as the headers do that the gate pins.
 */
export function namesOtherWorkspace(
  { target, segments }: Pick<AccessRequest, 'target' | 'segments'>,
  workspaceId: string,
): boolean {
  const named = [...inQuery(target), ...inPath(segments)]
  return named.some((id) => id !== workspaceId && id !== OF_THIS_HOST)
}

function inQuery(target: string): readonly string[] {
  const at = target.indexOf('?')
  const query = new URLSearchParams(at < 0 ? '' : target.slice(at + 1))
  return SELECTING_PARAMETERS.flatMap((name) => query.getAll(name))
}

/** As in `/sql/protocolv1/o/<id>/<cluster>` and `/driver-proxy-api/o/<id>/…`. */
function inPath([first, second, third, fourth]: readonly string[]): readonly string[] {
  if (second === 'o' && third !== undefined) return [third]
  return first === 'sql' && third === 'o' && fourth !== undefined ? [fourth] : []
}
