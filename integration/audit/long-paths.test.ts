import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessLinesOf } from '../edge/access-log.ts'
import { EDGES } from '../edge/edges.ts'
import { sendOnce } from '../edge/raw-client.ts'
import { requestText } from '../edge/requests.ts'
import { openRaw } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'

const MARK = 'z'
const LONG = MARK.repeat(31_000)
const MOST_LOGGED_BYTES = 3000

let stack: StackClient

beforeAll(() => {
  stack = stackClient(sharedStack())
})

afterAll(() => stack.close())

describe.each(EDGES)(
  'an anonymous request with a path of 31 KB leaves little in the logs of lighttpd $version',
  (edge) => {
    it.each<[by: string, status: number, target: string]>([
      ['the sidecar', 401, `/${LONG}`],
      ['the gate', 400, `/${LONG}%2F`],
      ['lighttpd', 400, `/${LONG}//`],
      ['the gate, as no page of its own', 404, `/_brickgate${LONG}`],
      ['the responder', 404, `/_brickgate/${LONG}`],
    ])(
      'an anonymous request with a path of 31 KB leaves little in the logs of lighttpd when %s refuses it (%i)',
      async (_by, status, target) => {
        const fields = ['Connection: close', `User-Agent: ${MARK.repeat(1000)}`]
        const answer = await sendOnce(
          () => openRaw(stack.listener('internal', edge)),
          requestText(target, fields),
        )
        expect(answer.status).toBe(status)
        const id = String(answer.headers['x-request-id'])
        const line = (await accessLinesOf(stack.info, edge, [id])).get(id)
        expect(line?.['path']).toBe(`${target.slice(0, 512)}[cut]`)
        if (status === 401) {
          const { path, user_agent } = await stack.auditOf(id)
          expect({ path, user_agent }).toEqual({
            path: `${target.slice(0, 512)}[cut]`,
            user_agent: `${MARK.repeat(512)}[cut]`,
          })
        }
        const logged = linesOfEveryLog().filter(
          (one) => one.includes(id) || one.includes(LONG.slice(0, 600)),
        )
        expect(logged.length).toBeGreaterThan(0)
        expect(logged.join('').length).toBeLessThan(MOST_LOGGED_BYTES)
      },
    )
  },
)

function linesOfEveryLog(): readonly string[] {
  const folder = join(stack.info.demo.directory, 'logs')
  return readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
}
