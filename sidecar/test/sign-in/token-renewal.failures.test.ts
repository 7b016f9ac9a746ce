import { beforeEach, describe, expect, it } from 'vitest'
import { refuse } from '../../src/domain/result.ts'
import { NOW } from '../verify/token-fixture.ts'
import { createRefreshFixture, type RefreshFixture } from './token-refresh-fixture.ts'

let fixture: RefreshFixture

beforeEach(async () => {
  fixture = await createRefreshFixture()
})

describe('a failure', () => {
  it.each(['unavailable', 'refused'] as const)(
    'of the provider (%s) ends nothing',
    async (failure) => {
      const session = await fixture.open()
      fixture.answer = () => ({ ok: false, failure })
      expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
      expect(await fixture.current()).toEqual(session)
      // no other sidecar calls the provider at once: the lock stays for a moment
      expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
      expect(fixture.asked).toHaveLength(1)
    },
  )

  it('of Redis ends nothing, and is not waited for', async () => {
    const session = await fixture.open()
    fixture.memory.isDown = true
    fixture.onWait = () => Promise.reject(new Error('waited'))
    expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
    fixture.memory.isDown = false
    expect(await fixture.current()).toEqual(session)
    expect(fixture.asked).toEqual([])
    expect(fixture.unexpected).toEqual([])
  })

  it('of Redis to read the session asks the provider nothing', async () => {
    const session = await fixture.open()
    fixture.memory.read = async () => refuse('state-unavailable')
    expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
    expect([fixture.asked, fixture.events, fixture.unexpected]).toEqual([[], [], []])
  })

  it.each(['read', 'delete'] as const)(
    'of Redis to %s the session whose grant ended ends nothing',
    async (command) => {
      const session = await fixture.open()
      const working = fixture.memory[command]
      fixture.answer = () => {
        fixture.memory[command] = async () => refuse('state-unavailable')
        return { ok: false, failure: 'invalid-grant' }
      }
      expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
      expect([fixture.events, fixture.unexpected]).toEqual([[], []])
      Object.assign(fixture.memory, { [command]: working })
      expect(await fixture.current()).toEqual(session)
    },
  )

  it('to find a refresh token in the session asks the provider nothing', async () => {
    const session = await fixture.open({ refreshToken: null })
    expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
    expect([fixture.asked, fixture.unexpected]).toEqual([[], []])
  })

  it('of a part is told and ends nothing', async () => {
    const session = await fixture.open()
    const broken = new Error('broken')
    fixture.answer = () => Promise.reject(broken)
    expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
    expect(fixture.unexpected).toEqual([broken])
    expect(await fixture.current()).toEqual(session)
  })
})

describe('nothing that the provider rotated is lost', () => {
  it('when Redis fails just then', async () => {
    const session = await fixture.open()
    fixture.answer = () => {
      fixture.memory.isDown = true
      return fixture.given({ refreshToken: 'rotated' })
    }
    let waits = 0
    fixture.onWait = () => {
      waits += 1
      fixture.memory.isDown = waits < 5
    }
    expect(await fixture.sidecar()(session, NOW)).toMatchObject({ kind: 'renewed' })
    expect((await fixture.current())?.refreshToken).toBe('rotated')
    expect(waits).toBe(5)
  })

  it('when the record changes just then, and the change stays', async () => {
    const session = await fixture.open()
    fixture.answer = async () => {
      const { value: found } = (await fixture.registry.find(session.sid, NOW)) as {
        value: { session: typeof session }
      }
      await fixture.registry.update(found.session, { ...found.session, userAgent: 'changed' })
      return fixture.given({ refreshToken: 'rotated' })
    }
    expect(await fixture.sidecar()(session, NOW)).toMatchObject({ kind: 'renewed' })
    expect(await fixture.current()).toMatchObject({ refreshToken: 'rotated', userAgent: 'changed' })
  })

  it('and it is told when Redis never takes it', async () => {
    const session = await fixture.open()
    fixture.answer = () => {
      fixture.memory.isDown = true
      return fixture.given()
    }
    expect(await fixture.sidecar()(session, NOW)).toEqual({ kind: 'failed' })
    expect(fixture.events).toEqual(['refreshed', 'unsaved'])
  })
})
