import type { DecisionEvent } from '../../src/authorize/answer.ts'
import type { Principal } from '../../src/domain/principal.ts'

export const PRINCIPAL: Principal = {
  issuerName: 'okta',
  subject: '00u1',
  email: 'alice@example.com',
  groups: ['analysts'],
  clientId: 'cli',
  tokenId: 'jti-1',
  idpSession: null,
  authTimeSeconds: null,
  issuedAtSeconds: 1_800_000_000,
  notBeforeSeconds: null,
  expiresAtSeconds: 1_800_003_600,
}

const REQUEST: NonNullable<DecisionEvent['request']> = {
  requestId: '0123456789abcdef0123456789abcdef',
  tier: 'internal',
  method: 'GET',
  path: '/api/2.1/clusters/list',
  sourceIp: '192.0.2.1',
  userAgent: 'databricks-sdk-py/0.1',
  isNavigation: false,
  presented: {
    authorization: 'Bearer a-secret-token',
    sessionCookie: null,
    hasSeveralSessionCookies: false,
    otherCookies: 'theirs=a-secret-cookie',
  } as unknown as NonNullable<DecisionEvent['request']>['presented'],
  browser: { origin: null, fetchSite: null, isWebSocketUpgrade: false },
}

/** An allow of Alice by a session, with changes. */
export function allowEvent(request: Partial<typeof REQUEST> = {}): DecisionEvent {
  return {
    requestId: REQUEST.requestId,
    request: { ...REQUEST, ...request },
    tier: 'internal',
    decision: {
      effect: 'allow',
      reason: 'allowed',
      credential: 'session',
      principal: PRINCIPAL,
      sid: 'f'.repeat(64),
      policies: ['readers', 'writers'],
      isFromOutage: false,
      obligations: [{ variable: 'BRICKGATE_AUTHORIZATION', value: 'Bearer a-secret-upstream' }],
    },
    durationMicroseconds: 321,
  }
}

/** A denial of an unreadable request. */
export function unreadableEvent(): DecisionEvent {
  return {
    requestId: null,
    request: null,
    tier: 'external',
    decision: {
      effect: 'deny',
      reason: 'bad-request',
      credential: 'none',
      principal: null,
      sid: null,
      policies: [],
      isFromOutage: false,
    },
    durationMicroseconds: 7,
  }
}
