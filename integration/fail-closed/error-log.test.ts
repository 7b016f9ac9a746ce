import { afterEach, describe, expect, it } from 'vitest'
import { startOwnGate } from '../edge/own-gate.ts'
import { send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { type Gate, startGate } from '../harness/gate.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { sharedStack } from '../harness/shared-stack.ts'

const CODE = 'code-that-nobody-may-read'

let gate: Gate | null = null

afterEach(() => gate?.stop())

describe.each(testedLighttpds())("lighttpd $version's error log has no sign-in code", (tested) => {
  it.each<[backend: string, path: string, start: (stack: StackClient) => Promise<Gate>]>([
    ['the responder', '/_brickgate/callback', ({ info }) => startGate(info, { tested })],
    ['the authorizer', '/api/2.1/jobs/list', ({ info }) => startGate(info, { tested })],
    [
      'the egress',
      '/api/2.1/jobs/list',
      ({ info }) => startOwnGate(info, { tested, egress: 'none' }),
    ],
  ])(
    'lighttpd’s error log has no sign-in code when %s is unreachable',
    async (_backend, path, start) => {
      const stack = stackClient(sharedStack())
      const token = await stack.mint({ sub: 'admin', groups: ['platform-admins'] })
      stack.close()
      const started = await start(stack)
      gate = started
      const headers = { authorization: `Bearer ${token}` }
      const target = `${path}?code=${CODE}&state=x`
      expect((await send(started.listener(), target, { headers })).status).toBe(503)
      expect(started.log('lighttpd-error.log')).toMatch(/\.sock/)
      expect(started.log('lighttpd-error.log')).not.toContain(CODE)
    },
  )
})
