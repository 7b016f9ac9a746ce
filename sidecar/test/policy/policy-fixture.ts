import type { Principal } from '../../src/domain/principal.ts'
import { parseTarget } from '../../src/http/target.ts'
import type { PolicyEntry } from '../../src/policy/document.ts'
import type { Question } from '../../src/policy/evaluate.ts'

/** A principal in these groups. */
export function principal(
  subject: string,
  groups: readonly string[] = [],
  issuer = 'okta',
): Principal {
  return {
    issuerName: issuer,
    subject,
    email: `${subject}@example.com`,
    groups,
    clientId: null,
    tokenId: 'j1',
    idpSession: null,
    authTimeSeconds: null,
    issuedAtSeconds: 1,
    notBeforeSeconds: null,
    expiresAtSeconds: 2,
  }
}

export const ALICE: Principal = principal('alice', ['analysts', 'data-eng'])

/** Alice on the internal tier, with the segments that `http/` makes of a target. */
export function requestTo(target: string, changes: Partial<Question> = {}): Question {
  const parsed = parseTarget(target)
  if (!parsed.ok) throw new Error(`${target} is refused before any policy`)
  const { segments } = parsed.value
  return { principal: ALICE, method: 'GET', segments, tier: 'internal', ...changes }
}

/** A policy for everyone and every method. */
export function entry(
  id: string,
  effect: 'permit' | 'forbid',
  paths: readonly string[],
  changes: Partial<PolicyEntry> = {},
): PolicyEntry {
  return { id, effect, who: { any_verified: true }, paths, ...changes }
}
