import { join } from 'node:path'
import { type EgressWatch, watchEgress } from '../adapters/egress-watch.ts'
import type { RedisClient } from '../adapters/redis/client.ts'
import { probeRedis } from '../adapters/redis/health.ts'
import { type Answer, createAnswer, type DecisionObserver } from '../authorize/answer.ts'
import { type Authenticate, createAuthenticate } from '../authorize/authenticate.ts'
import { createCheck } from '../authorize/check.ts'
import type { Deployment } from '../authorize/identity-headers.ts'
import type { LoadedConfig } from '../config/load.ts'
import { macOfAllow, readProof } from '../config/proof.ts'
import type { Config } from '../config/schema.ts'
import { VERSION } from '../config/version.ts'
import type { Tier } from '../domain/tier.ts'
import { type AuditLog, createAuditLog } from '../observe/audit.ts'
import { createDecisionObserver } from '../observe/decision-observer.ts'
import { redisObserver } from '../observe/state-observers.ts'
import { traced, tracedObserver } from '../observe/traced.ts'
import { SHARED_CREDENTIAL_FORBID } from '../policy/built-in.ts'
import { compilePolicies } from '../policy/compile.ts'
import { type PolicySet, policySet } from '../policy/policy.ts'
import type { SessionUse } from '../session/session-use.ts'
import {
  passthrough,
  personalAccessToken,
  type UpstreamCredential,
} from '../upstream/upstream-credential.ts'
import type { KeySource } from '../verify/key-source.ts'
import { createTokenVerifier, type TokenVerifier } from '../verify/token-verifier.ts'
import { openConfiguredRedis } from './redis.ts'
import type { SessionAdministration } from './session-administration.ts'
import { createSignInParts, type SignInParts } from './sign-in.ts'
import { createSessionParts, openState, type StateDeps, watchUse } from './state.ts'
import { tokenLimits, trustedIssuers } from './trusted-issuers.ts'

/** The parts of a worker process. */
export interface App {
  readonly answer: Answer
  readonly authenticate: Authenticate
  readonly observer: DecisionObserver
  readonly administration: SessionAdministration
  readonly use: SessionUse
  /** null without sign-in */
  readonly signInParts: SignInParts | null
  /** the public URL of each tier: scheme, host and port */
  readonly publicOrigins: Readonly<Record<Tier, string>>
  /**
   * resolves when Redis answers, or after a second without it: requests during its outage get an
   * answer
   */
  connected(): Promise<void>
  /** closes connections and writes held records */
  close(): void
}

export interface AppDeps extends StateDeps {
  readonly loaded: LoadedConfig
  readonly keys: KeySource
}

const PRODUCT = `brickgate/${VERSION}`
/** At a few hundred bytes each; beyond, tokens are verified again. */
const TOKEN_CACHE_SIZE = 10_000
const CONNECT_WITHIN_MS = 1000
const EGRESS_ASKED_EVERY_MS = 1000
/** HAProxy answers this by itself, so even a busy machine is quicker */
const EGRESS_FROZEN_AFTER_MS = 5000

/**
 * Puts the parts of a worker together. Nothing listens yet, and nothing waits for Redis or an
 * issuer.
 *
 * @throws {Error} when a file of the configuration cannot be opened any more
 */
export function createApp(deps: AppDeps): App {
  const { loaded, metrics, log, clock, tracing } = deps
  const { config } = loaded
  const redis = openConfiguredRedis(config, redisObserver(metrics, log))
  const state = openState(config, redis, deps)
  const egress = openEgressWatch(config, deps)
  const audit = openAudit(config, deps)
  const observer = tracedObserver(createDecisionObserver(metrics, audit, log), tracing)
  const sessionParts = createSessionParts(config, state, deps)
  const endWatch = watchUse(redis, sessionParts.use, deps)
  const publicOrigins = originsOf(config)
  const verifier = createVerifier(config, deps)
  const { keyValues } = state
  const signInPartsDeps = { ...deps, ...sessionParts, keyValues, verifier, publicOrigins }
  const signInParts = createSignInParts(config, signInPartsDeps)
  const authenticate = createAuthenticate({
    ...sessionParts,
    verifier,
    issuerNames: new Set(config.issuers.map((issuer) => issuer.name)),
    leewaySeconds: config.tokens.leeway_s,
    publicOrigins,
  })
  const check = createCheck({
    authenticate,
    policies: policiesInForce(loaded),
    refresh: signInParts?.refresh ?? null,
    upstream: upstreamCredential(config),
    deployment: deploymentOf(config),
    isEgressFrozen: egress.isFrozen,
    clock,
    onPolicyFailure: observer.failed,
  })
  const answer = createAnswer({
    check,
    observer,
    clock,
    signInAt: signInParts === null ? null : publicOrigins,
    allowMac: macOfAllow(readProof(config.runtime.proof_file)),
    afterReply: setImmediate,
  })
  return {
    answer: traced(answer, tracing),
    authenticate,
    observer,
    signInParts,
    publicOrigins,
    administration: sessionParts.administration,
    use: sessionParts.use,
    async connected() {
      await Promise.all([untilReady(redis), signInParts?.provider.prepare()])
      await probeRedis(redis) // the first command of a process is slow
    },
    close() {
      endWatch()
      egress.close()
      state.close()
      redis.disconnect()
      audit.flush()
    },
  }
}

function openAudit(config: Config, { metrics, log }: AppDeps): AuditLog {
  return createAuditLog(config.audit.file, {
    written: () => metrics.auditRecords.inc(),
    dropped: () => metrics.auditDropped.inc(),
    failing: (error) => log.error({ err: error }, 'the audit log cannot be written'),
  })
}

function openEgressWatch({ runtime }: Config, { log, clock }: AppDeps): EgressWatch {
  return watchEgress({
    path: join(runtime.directory, 'egress.sock'),
    everyMs: EGRESS_ASKED_EVERY_MS,
    frozenAfterMs: EGRESS_FROZEN_AFTER_MS,
    nowMs: clock.monotonicMs,
    onChange: (isFrozen) =>
      isFrozen
        ? log.error('the egress takes connections and does not answer; requests get 503')
        : log.info('the egress answers again'),
  })
}

function originsOf({ tiers }: Config): Readonly<Record<Tier, string>> {
  return { internal: tiers.internal.public_url, external: tiers.external.public_url }
}

function untilReady(redis: RedisClient): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve()
  return new Promise((resolve) => {
    redis.once('ready', resolve)
    setTimeout(resolve, CONNECT_WITHIN_MS)
  })
}

function createVerifier(config: Config, { keys, metrics, log }: AppDeps): TokenVerifier {
  return createTokenVerifier({
    issuers: trustedIssuers(config),
    keys,
    limits: tokenLimits(config),
    cacheSize: TOKEN_CACHE_SIZE,
    observer: {
      verification: (issuerName, result) =>
        metrics.tokenVerifications.inc({ issuer: issuerName, result }),
      cacheHit: () => metrics.tokenCacheHits.inc(),
      cacheMiss: () => metrics.tokenCacheMisses.inc(),
    },
    onUnexpected: (error) => log.error({ err: error }, 'a token could not be verified'),
  })
}

function deploymentOf({ workspace, issuers, headers }: Config): Deployment {
  return {
    workspaceId: workspace.id,
    product: PRODUCT,
    hasSeveralIssuers: issuers.length > 1,
    sendsGroups: headers.groups !== false,
  }
}

function policiesInForce({ config, policyDocument }: LoadedConfig): PolicySet {
  const issuerNames = config.issuers.map(({ name }) => name)
  const written = compilePolicies(policyDocument, issuerNames)
  const { credential } = config.workspace
  // INVARIANT: every credential that is not the caller's own is shared by callers, so it brings the
  // built-in forbid. Otherwise a caller could create tokens that outlive every decision.
  if (credential.type === 'passthrough' || credential.permit_token_and_secret_apis) return written
  return policySet([...written.policies, SHARED_CREDENTIAL_FORBID])
}

function upstreamCredential({ workspace: { credential } }: Config): UpstreamCredential {
  return credential.type === 'passthrough' ? passthrough : personalAccessToken(credential.token)
}
