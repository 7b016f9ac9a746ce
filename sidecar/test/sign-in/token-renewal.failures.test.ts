import { beforeEach, describe, expect, it } from 'vitest'
import { refuse } from '../../src/domain/result.ts'
import { NOW } from '../verify/token-fixture.ts'
import { createRefreshing, type Refreshing } from './token-refresh-fixture.ts'

let bench: Refreshing

beforeEach(async () => {
  bench = await createRefreshing()
})

describe('a failure', () => {
  it.each(['unavailable', 'refused'] as const)(
    'of the provider (%s) ends nothing',
    async (failure) => {
      const session = await bench.open()
      bench.answer = () => ({ ok: false, failure })
      expect(await bench.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
      expect(await bench.current()).toEqual(session)
      // no other sidecar calls the provider at once: the lock stays for a moment
      expect(await bench.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
      expect(bench.asked).toHaveLength(1)
    },
  )

  it('of Redis ends nothing, and is not waited for', async () => {
    const session = await bench.open()
    bench.memory.isDown = true
    bench.onWait = () => Promise.reject(new Error('waited'))
    expect(await bench.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
    bench.memory.isDown = false
    expect(await bench.current()).toEqual(session)
    expect(bench.asked).toEqual([])
    expect(bench.unexpected).toEqual([])
  })

  it('of Redis to read the session asks the provider nothing', async () => {
    const session = await bench.open()
    bench.memory.read = async () => refuse('state-unavailable')
    expect(await bench.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
    expect([bench.asked, bench.events, bench.unexpected]).toEqual([[], [], []])
  })

  it.each(['read', 'delete'] as const)(
    'of Redis to %s the session whose grant ended ends nothing',
    async (command) => {
      const session = await bench.open()
      const working = bench.memory[command]
      bench.answer = () => {
        bench.memory[command] = async () => refuse('state-unavailable')
        return { ok: false, failure: 'invalid-grant' }
      }
      expect(await bench.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
      expect([bench.events, bench.unexpected]).toEqual([[], []])
      Object.assign(bench.memory, { [command]: working })
      expect(await bench.current()).toEqual(session)
    },
  )

  it('to find a refresh token in the session asks the provider nothing', async () => {
    const session = await bench.open({ refreshToken: null })
    expect(await bench.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
    expect([bench.asked, bench.unexpected]).toEqual([[], []])
  })

  it('of a part is told and ends nothing', async () => {
    const session = await bench.open()
    const broken = new Error('broken')
    bench.answer = () => Promise.reject(broken)
    expect(await bench.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
    expect(bench.unexpected).toEqual([broken])
    expect(await bench.current()).toEqual(session)
  })
})

describe('nothing that the provider rotated is lost', () => {
  it('when Redis fails just then', async () => {
    const session = await bench.open()
    bench.answer = () => {
      bench.memory.isDown = true
      return bench.given({ refreshToken: 'rotated' })
    }
    let waits = 0
    bench.onWait = () => {
      waits += 1
      bench.memory.isDown = waits < 5
    }
    expect(await bench.sidecar()(session, NOW)).toMatchObject({ kind: 'renewed' })
    expect((await bench.current())?.refreshToken).toBe('rotated')
    expect(waits).toBe(5)
  })

  it('when the record changes just then, and the change stays', async () => {
    const session = await bench.open()
    bench.answer = async () => {
      const { value: found } = (await bench.registry.find(session.sid, NOW)) as {
        value: { session: typeof session }
      }
      await bench.registry.update(found.session, { ...found.session, userAgent: 'changed' })
      return bench.given({ refreshToken: 'rotated' })
    }
    expect(await bench.sidecar()(session, NOW)).toMatchObject({ kind: 'renewed' })
    expect(await bench.current()).toMatchObject({ refreshToken: 'rotated', userAgent: 'changed' })
  })

  it('and it is told when Redis never takes it', async () => {
    const session = await bench.open()
    bench.answer = () => {
      bench.memory.isDown = true
      return bench.given()
    }
    expect(await bench.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
    expect(bench.events).toEqual(['refreshed', 'unsaved'])
  })
})
