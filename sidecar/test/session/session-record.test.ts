import { beforeEach, expect, it } from 'vitest'
import { ABSENT, storedText, WRONG_TYPE } from '../../src/domain/stored-value.ts'
import { encodeSession } from '../../src/session/session.ts'
import { createRecordOpener, type RecordOpener } from '../../src/session/session-record.ts'
import { type AnomalyLog, anomalyLog, CIPHER, SESSION } from '../support/session-fixture.ts'

let decrypted: number
let log: AnomalyLog
let opener: RecordOpener

beforeEach(() => {
  decrypted = 0
  log = anomalyLog()
  const cipher = {
    ...CIPHER,
    decrypt: (text: string) => {
      decrypted += 1
      return CIPHER.decrypt(text)
    },
  }
  opener = createRecordOpener({ cipher, observer: log })
})

it('decrypts a record once, and another record of the same session again', async () => {
  const first = storedText(await CIPHER.encrypt(encodeSession(SESSION)))
  const changed = { ...SESSION, userAgent: 'curl/8' }
  const second = storedText(await CIPHER.encrypt(encodeSession(changed)))

  expect(await opener.open(SESSION.sid, first)).toEqual(SESSION)
  expect(await opener.open(SESSION.sid, first)).toEqual(SESSION)
  expect(decrypted).toBe(1)
  expect(await opener.open(SESSION.sid, second)).toEqual(changed)
  expect(decrypted).toBe(2)
})

it('decrypts what is no session each time, and reports it each time', async () => {
  const broken = storedText('eyJ.no.session')
  expect(await opener.open(SESSION.sid, broken)).toBeNull()
  expect(await opener.open(SESSION.sid, broken)).toBeNull()
  expect(log.reported).toHaveLength(2)
})

it('finds no session where nothing is, and reports only what is of another type', async () => {
  expect(await opener.open(SESSION.sid, ABSENT)).toBeNull()
  expect(log.reported).toEqual([])
  expect(await opener.open(SESSION.sid, WRONG_TYPE)).toBeNull()
  expect(log.reported).toEqual([`wrong-type bg:session:${SESSION.sid}`])
  expect(decrypted).toBe(0)
})
