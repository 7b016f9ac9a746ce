import { beforeAll, describe, expect, inject, it } from 'vitest'
import { type ComposeProject, composeProject } from './project.ts'

const { missing } = inject('containers')

describe.skipIf(missing !== null)('two composed gateways on one Redis', () => {
  let a: ComposeProject
  let b: ComposeProject
  beforeAll(async () => {
    a = await composeProject('a', { sidecars: 2 })
    b = await composeProject('b', {
      further: 'shared-redis.yml',
      environment: { OTHER: a.name },
    })
  })

  it.each(['a', 'b'])(
    'two composed gateways on one Redis both refuse what was revoked through %s',
    async (through) => {
      const subject = `dave-${through}`
      const gateways = [a, b]
      const tokens = await Promise.all(
        gateways.map((one) => one.mint({ sub: subject, groups: ['analysts'] })),
      )
      const statuses = (): Promise<number[]> =>
        Promise.all(
          gateways.map(async (one, at) => (await one.sendRequest(tokens[at] ?? null)).status),
        )
      expect(await statuses()).toEqual([200, 200])
      const words = ['brickgate', 'revoke', 'subject', `demo|${subject}`, '--reason', 'test']
      await (through === 'a' ? a : b).compose('exec', '-T', 'sidecar', ...words)
      expect(await statuses()).toEqual([401, 401])
    },
  )
})
