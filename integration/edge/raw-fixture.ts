import { type StackClient, stackClient } from '../harness/client.ts'
import { testedHaproxies } from '../harness/egress.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { type RawWorkspace, startRawWorkspace } from '../harness/raw-workspace.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { HTTP2_EDGES } from './edges.ts'

/** Each lighttpd with each HAProxy that is at hand. */
export const COMBINATIONS = testedLighttpds().flatMap((tested) =>
  testedHaproxies().map((haproxy) => ({
    tested,
    haproxy,
    of: tested.version,
    by: haproxy.version,
    speaksHttp2: HTTP2_EDGES.some(({ version }) => version === tested.version),
  })),
)

/** The shared stack, and a workspace that writes bytes as a test wants them. */
export interface RawFixture {
  readonly stack: StackClient
  readonly workspace: RawWorkspace
  /** of Alice, for `Authorization` */
  readonly credential: string
}

export async function startRawFixture(): Promise<RawFixture> {
  const stack = stackClient(sharedStack())
  const credential = `Bearer ${await stack.mint({ sub: 'alice', groups: ['analysts'] })}`
  return { stack, credential, workspace: await startRawWorkspace() }
}

export function stopRawFixture({ stack, workspace }: RawFixture): void {
  workspace.close()
  stack.close()
}
