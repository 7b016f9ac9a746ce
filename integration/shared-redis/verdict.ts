import type { Reply } from '../harness/kept-connections.ts'
import type { Caller } from './callers.ts'

/** The outcome of a request. */
export interface Outcome extends Reply {
  readonly caller: Caller
  /** 0 or 1 */
  readonly gateway: number
}

/** Times of a revocation as its writer saw them; `performance.now()`. */
export interface Revocation {
  readonly victim: Caller
  readonly askedMs: number
  /** when Redis, or the command, had replied */
  readonly acknowledgedMs: number
}

/** A time in which requests may be told to come again; `performance.now()`. */
export interface Outage {
  readonly fromMs: number
  readonly toMs: number
}

export interface Run {
  readonly outcomes: readonly Outcome[]
  readonly revocations: readonly Revocation[]
  /** how long after its acknowledgement a revocation may still go unnoticed */
  readonly boundMs: number
  readonly outages?: readonly Outage[]
}

/** Faults of a run, a line for each request. */
export interface Verdict {
  /** sent later than the bound with a revoked credential, and allowed all the same */
  readonly lateAllows: readonly string[]
  /**
   * answered with what was not the caller's: an error, or a refusal of somebody in good standing
   */
  readonly wrongAnswers: readonly string[]
}

/**
 * Judges every request by what its credential was worth when it was sent, and until it was
 * answered.
 */
export function verdictOf({ outcomes, revocations, boundMs, outages = [] }: Run): Verdict {
  const revoked = new Map(revocations.map((revocation) => [revocation.victim.name, revocation]))
  const isLate = ({ caller, sentMs }: Outcome): boolean => {
    const revocation = revoked.get(caller.name)
    return revocation !== undefined && sentMs > revocation.acknowledgedMs + boundMs
  }
  const isRight = (outcome: Outcome): boolean => {
    const revocation = revoked.get(outcome.caller.name)
    const isUnrevoked = revocation === undefined || outcome.answeredMs < revocation.askedMs
    if (outcome.status === 200) return isUnrevoked || !isLate(outcome)
    if (outcome.status === 401) return !isUnrevoked
    return isComeAgain(outcome) && outages.some((outage) => overlaps(outcome, outage))
  }
  const lineOf = (outcome: Outcome): string => line(outcome, revoked.get(outcome.caller.name))
  return {
    lateAllows: outcomes.filter((one) => one.status === 200 && isLate(one)).map(lineOf),
    wrongAnswers: outcomes.filter((one) => !isRight(one)).map(lineOf),
  }
}

function line({ caller, gateway, sentMs, status, body }: Outcome, revocation?: Revocation): string {
  const since = Math.round(sentMs - (revocation?.acknowledgedMs ?? Number.NaN))
  const accepted =
    revocation === undefined ? 'never revoked' : `sent ${since} ms after its revocation`
  return `${caller.form} ${caller.name}, ${accepted}, by gateway ${gateway}: ${status} ${body.slice(0, 90)}`
}

/** How long a revocation went unnoticed, since its acknowledgement. */
export interface Lag {
  /** until the sending of the last request that was allowed all the same; 0 when there was none */
  readonly sentMs: number
  /**
   * until the last such answer, under way or not when it was acknowledged: more than the lag itself
   */
  readonly answeredMs: number
}

export function lagOf({ victim, acknowledgedMs }: Revocation, outcomes: readonly Outcome[]): Lag {
  const allowed = outcomes.filter(
    ({ caller, status }) => caller.name === victim.name && status === 200,
  )
  const since = (moments: readonly number[]): number =>
    Math.max(0, ...moments.map((ms) => ms - acknowledgedMs))
  return {
    sentMs: since(allowed.map(({ sentMs }) => sentMs)),
    answeredMs: since(allowed.map(({ answeredMs }) => answeredMs)),
  }
}

function isComeAgain({ status, retryAfter, body }: Outcome): boolean {
  const isNative = body.startsWith('{"error_code":"TEMPORARILY_UNAVAILABLE","message":"')
  return status === 503 && isNative && /^[1-9][0-9]*$/.test(retryAfter ?? '')
}

/** Whether a request was under way in an outage. */
export function overlaps({ sentMs, answeredMs }: Outcome, { fromMs, toMs }: Outage): boolean {
  return answeredMs >= fromMs && sentMs <= toMs
}
