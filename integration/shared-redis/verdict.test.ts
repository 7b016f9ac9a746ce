import { expect, it } from 'vitest'
import type { Caller } from './callers.ts'
import { lagOf, type Outcome, verdictOf } from './verdict.ts'

const COME_AGAIN = '{"error_code":"TEMPORARILY_UNAVAILABLE","message":"later"}'

const caller = (name: string): Caller => ({
  name,
  form: 'bearer',
  credential: '',
  subject: name,
  tokenId: '',
  clientId: '',
  idpSession: '',
  sid: '',
  signInSeconds: 0,
})

const victim = caller('victim')
const revocation = { victim, askedMs: 990, acknowledgedMs: 1000 }
const outages = [{ fromMs: 5000, toMs: 6000 }]

function outcome(
  who: Caller,
  status: number,
  sentMs: number,
  rest: Partial<Outcome> = {},
): Outcome {
  return {
    ...{ caller: who, gateway: 0, status, sentMs, answeredMs: sentMs + 5 },
    ...{ retryAfter: null, body: '', ...rest },
  }
}

const refused503 = { retryAfter: '1', body: COME_AGAIN }

it.each<readonly [name: string, Outcome, late: number, wrong: number]>([
  ['an allow before the revocation', outcome(victim, 200, 900), 0, 0],
  ['an allow within the bound', outcome(victim, 200, 1099), 0, 0],
  ['an allow after the bound', outcome(victim, 200, 1101), 1, 1],
  ['an allow after the bound in an outage', outcome(victim, 200, 5500), 1, 1],
  ['a refusal after the revocation', outcome(victim, 401, 1001), 0, 0],
  ['a refusal while it is under way', outcome(victim, 401, 988), 0, 0],
  ['a refusal before it was asked for', outcome(victim, 401, 900), 0, 1],
  ['a bystander who is allowed', outcome(caller('other'), 200, 2000), 0, 0],
  ['a bystander who is refused', outcome(caller('other'), 401, 2000), 0, 1],
  ['a bystander who is refused in an outage', outcome(caller('other'), 401, 5500), 0, 1],
  ['a broken connection', outcome(caller('other'), 0, 2000), 0, 1],
  ['503 in an outage', outcome(caller('other'), 503, 5500, refused503), 0, 0],
  ['503 to a victim in an outage', outcome(victim, 503, 5500, refused503), 0, 0],
  ['503 outside an outage', outcome(caller('other'), 503, 2000, refused503), 0, 1],
  ['503 without Retry-After', outcome(caller('other'), 503, 5500, { body: COME_AGAIN }), 0, 1],
  ['503 of another form', outcome(caller('other'), 503, 5500, { retryAfter: '1' }), 0, 1],
])('the verdict of a run: %s', (_name, one, late, wrong) => {
  const verdict = verdictOf({ outcomes: [one], revocations: [revocation], boundMs: 100, outages })
  expect(verdict.lateAllows).toHaveLength(late)
  expect(verdict.wrongAnswers).toHaveLength(wrong)
})

it('the lag lasts until the last request that was allowed, whoever else was', () => {
  const outcomes = [
    outcome(victim, 200, 900),
    outcome(victim, 401, 1001),
    outcome(victim, 200, 1007),
    outcome(victim, 401, 1010),
    outcome(caller('other'), 200, 1500),
  ]
  expect(lagOf(revocation, outcomes)).toEqual({ sentMs: 7, answeredMs: 12 })
  expect(lagOf(revocation, outcomes.slice(0, 2))).toEqual({ sentMs: 0, answeredMs: 0 })
})
