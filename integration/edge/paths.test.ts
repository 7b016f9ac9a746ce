import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type StackClient, stackClient } from '../harness/client.ts'
import { readRefusal } from '../harness/refusals.ts'
import { startStack, stopStack } from '../harness/stack.ts'
import { EDGES } from './edges.ts'
import { generateOwnPage, generateTarget } from './generated-targets.ts'
import { OWN_PAGES } from './own-pages.ts'
import { expectedForwarding, NAMELESS, normalForm, objectionTo } from './path-oracle.ts'
import { PATH_TABLE } from './path-table.ts'
import { type Probe, probe } from './probe.ts'
import { createRandom } from './random.ts'

/** With this nothing but the gate can stop a request, outside one folder. */
const PERMIT_EVERYTHING = {
  version: 1,
  policies: [
    { id: 'everything', effect: 'permit', who: { any_verified: true }, paths: ['/'] },
    {
      id: 'closed-folder',
      effect: 'forbid',
      who: { any_verified: true },
      paths: ['/api/2.0/fs/files/Volumes/closed', '/api/2.0/workspace-files/*/Workspace/closed'],
    },
  ],
}

const BAD_TARGET = { status: 400, errorCode: 'BAD_REQUEST', challenge: null, hasRetryAfter: false }
const NO_PAGE = { ...BAD_TARGET, status: 404, errorCode: 'NOT_FOUND' }

let stack: StackClient
let token: string

beforeAll(async () => {
  stack = stackClient(await startStack({ policy: PERMIT_EVERYTHING, everyLighttpd: true }))
  token = await stack.mint({ sub: 'alice' })
})

afterAll(async () => {
  stack.close()
  await stopStack(stack.info)
})

describe.each(EDGES.map(({ version }, at) => [version, at] as const))(
  'lighttpd %s',
  (_version, at) => {
    describe('a target is forwarded as it was judged, or refused:', () => {
      let probes: readonly Probe[]

      beforeAll(async () => {
        const targets = PATH_TABLE.map(([sent]) => sent)
        probes = await probeAll(targets)
      })

      it.each(numbered(PATH_TABLE))(
        'a target is forwarded as it was judged, or refused: %j → %j',
        (sent, forwarded, place) => {
          expect(probes[place]?.sent).toBe(sent)
          expect(violations(probes[place], forwarded)).toEqual([])
        },
      )
    })

    it.each(['/api/2.0/fs/files/Volumes', '/api/2.0/workspace-files/import-file/Workspace'])(
      'no escaped slash leads around a forbid: %s',
      async (folder) => {
        const names = [
          '/closed/a',
          '%2Fclosed/a',
          '/closed%2Fa',
          '%2fclosed%2fa',
          '%2FCLOSED%3Bx%2Fa',
        ]
        const found = await probeAll(names.map((name) => `${folder}${name}`))
        const verdicts = found.map(({ forwarded, audit }) => [forwarded, audit?.reason])
        expect(verdicts).toEqual(names.map(() => [null, 'policy-forbid']))
      },
    )

    it('3,000 generated targets: judged equals forwarded, no violation', async () => {
      const random = createRandom(20_261_122)
      const targets = Array.from({ length: 3000 }, () => generateTarget(random))
      const probes = await probeAll(targets)

      expect(probes.flatMap((one) => violations(one, expectedForwarding(one.sent)))).toEqual([])
      const { length } = probes.filter(({ forwarded }) => forwarded !== null)
      expect(length).toBeGreaterThan(500)
      expect(length).toBeLessThan(2500)
      // An SDK that finds 429 in a message would retry for minutes.
      const ids = probes.map(({ access }) => String(access['request_id']))
      expect(ids.filter((id) => id.includes('429'))).toEqual([])
    })

    describe('our own pages are never forwarded and never authorized:', () => {
      let probes: readonly Probe[]

      beforeAll(async () => {
        probes = await probeAll(OWN_PAGES.map(([sent]) => sent))
      })

      it.each(numbered(OWN_PAGES))(
        'our own pages are never forwarded and never authorized: %j is answered with %i',
        (sent, status, place) => {
          const found = probes[place]
          expect(found).toMatchObject({ sent, answer: { status }, forwarded: null })
          if (found === undefined || status === 200) return
          expect(found.audit).toBeNull()
          expect(readRefusal(found.answer)).toEqual(status === 404 ? NO_PAGE : BAD_TARGET)
          expect(found.access['reason']).toMatch(
            status === 404 ? /^no-such-page$/ : /^bad-(target|request)$/,
          )
        },
      )

      it('our own pages are never forwarded and never authorized: 1,000 generated spellings', async () => {
        const random = createRandom(20_261_123)
        const targets = Array.from({ length: 1000 }, () => generateOwnPage(random))
        const found = await probeAll(targets)
        const wrong = found.filter(
          ({ answer, forwarded, audit }) =>
            forwarded !== null || audit !== null || ![400, 404].includes(answer.status),
        )
        expect(wrong).toEqual([])
      })
    })

    function probeAll(targets: readonly string[]): Promise<readonly Probe[]> {
      const edge = stack.info.edges[at]
      if (edge === undefined) throw new Error('this stack has fewer edges')
      return probe(stack, { edge, token }, targets)
    }
  },
)

function numbered<T>(
  rows: readonly (readonly [string, T])[],
): readonly (readonly [string, T, number])[] {
  return rows.map(([sent, expected], place) => [sent, expected, place] as const)
}

/** Faults in the fate of a target; empty without a fault. */
function violations(found: Probe | undefined, expected: string | null): readonly object[] {
  if (found === undefined) return [{ missing: expected }]
  const { sent, answer, access, forwarded, audit } = found
  const seen = forwarded?.target ?? null
  const [path = null] = seen?.split('?', 1) ?? []
  const claims = {
    'the workspace gets what it must': seen === expected,
    'its path is unambiguous': path === null || objectionTo(path) === null,
    'it is in normal form': seen === null || normalForm(seen) === seen,
    'the path that was judged is the path that is forwarded':
      path === null || (audit?.['decision'] === 'allow' && audit['path'] === path),
    'a refusal is native and logged with its reason': forwarded !== null || isLoggedRefusal(found),
    'the access log has the status': access['status'] === answer.status,
    'the access log has no query': !String(access['path']).includes('?'),
  }
  const broken = Object.entries(claims).filter(([, holds]) => !holds)
  const { reason } = access
  return broken.map(([claim]) => ({ claim, sent, expected, seen, status: answer.status, reason }))
}

/** Refused by lighttpd or the gate; only what the gate leaves to it, by the sidecar. */
function isLoggedRefusal({ sent, answer, access, audit }: Probe): boolean {
  const { status, errorCode } = readRefusal(answer)
  const [path = ''] = normalForm(sent).split('?', 1)
  if (audit !== null) return audit.reason === 'bad-request' && objectionTo(path) === NAMELESS
  const isOurPage = /^\/_brickgate/i.test(path) && status === 404
  return access['reason'] !== '-' && (isOurPage || (status === 400 && errorCode === 'BAD_REQUEST'))
}
