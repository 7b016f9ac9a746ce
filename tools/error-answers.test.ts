import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_ANSWERS, type ErrorAnswer } from '../sidecar/src/domain/error-answer.ts'
import { REASONS } from '../sidecar/src/domain/reason.ts'

const HOME = join(import.meta.dirname, '..')
const ROWS: Readonly<Record<string, ErrorAnswer>> = ERROR_ANSWERS
const GATE = textOf('lighttpd/lua/refusal.lua')
const EGRESS = textOf('egress/haproxy.cfg')

function textOf(path: string): string {
  return readFileSync(join(HOME, path), 'utf8')
}

type Answers = Readonly<Record<string, ErrorAnswer>>

/** Rows of `ERRORS` with the waits of `RETRY_AFTER`, as the gate has them. */
function answersOfGate(lua: string): Answers {
  const [, waits = ''] = /^local RETRY_AFTER = \{(.*)\}$/m.exec(lua) ?? []
  const wait = new Map(
    [...waits.matchAll(/\[(\d+)\] = "(\d+)"/g)].map(([, status, seconds]) => [
      status,
      Number(seconds),
    ]),
  )
  const rows = lua.matchAll(/^ {2}\[(\d+)\] = \{ "(\w+)", /gm)
  return Object.fromEntries(
    [...rows].map(([, status = '', errorCode = '']) => [
      status,
      { errorCode, retryAfterSeconds: wait.get(status) ?? null },
    ]),
  )
}

/** Lines of `http-error` with a body, as the egress has them. */
function answersOfEgress(configuration: string): Answers {
  const lines = configuration.matchAll(
    /http-error status (\d+) .*"error_code":"(\w+)".*?(?:hdr Retry-After (\d+))?$/gm,
  )
  return Object.fromEntries(
    [...lines].map(([, status = '', errorCode = '', seconds]) => [
      status,
      { errorCode, retryAfterSeconds: seconds === undefined ? null : Number(seconds) },
    ]),
  )
}

/** @returns statuses whose answer differs from the row in `ERROR_ANSWERS`, or has none */
function differences(answers: Answers): readonly string[] {
  return Object.keys(answers).filter((status) => {
    const [own, given] = [ROWS[status], answers[status]]
    return (
      own?.errorCode !== given?.errorCode || own?.retryAfterSeconds !== given?.retryAfterSeconds
    )
  })
}

it('the gate answers errors as the sidecar does', () => {
  const answers = answersOfGate(GATE)
  expect(Object.keys(answers).length).toBeGreaterThan(15)
  expect(differences(answers)).toEqual([])
})

it('the egress answers errors as the sidecar does', () => {
  const answers = answersOfEgress(EGRESS)
  expect(Object.keys(answers).length).toBe(EGRESS.match(/^ *http-error status/gm)?.length)
  expect(differences(answers)).toEqual([])
})

describe('an error that has another answer is found', () => {
  it.each([
    ['"NOT_FOUND"', '"ENDPOINT_NOT_FOUND"', ['404']],
    ['[413] = { "REQUEST_TOO_LARGE"', '[413] = { "REQUEST_ENTITY_TOO_LARGE"', ['413']],
    ['[503] = "5"', '[503] = "2"', ['503']],
    ['[429] = "5", ', '', ['429']],
    ['[414] = {', '[499] = {', ['499']],
  ])('in the gate with %s as %s', (before, after, statuses) => {
    expect(GATE).toContain(before)
    expect(differences(answersOfGate(GATE.replace(before, after)))).toEqual(statuses)
  })

  it.each([
    ['"error_code":"PERMISSION_DENIED"', '"error_code":"FORBIDDEN"', ['403']],
    [' hdr Retry-After 5', '', ['503']],
    ['hdr Retry-After 5', 'hdr Retry-After 2', ['503']],
  ])('in the egress with %s as %s', (before, after, statuses) => {
    expect(EGRESS).toContain(before)
    expect(differences(answersOfEgress(EGRESS.replace(before, after)))).toEqual(statuses)
  })
})

it.each(Object.entries(REASONS).filter(([reason]) => reason !== 'allowed'))(
  'the reason %s has error code and wait of its status',
  (_, { status, errorCode, retryAfterSeconds }) => {
    expect({ errorCode, retryAfterSeconds }).toEqual(ROWS[status])
  },
)

it('whole seconds are asked for wherever clients repeat a request, and nowhere else', () => {
  const waiting = Object.keys(ROWS).filter((status) => ROWS[status]?.retryAfterSeconds !== null)
  expect(waiting).toEqual(['429', '503', '504'])
  for (const status of waiting) {
    expect(String(ROWS[status]?.retryAfterSeconds)).toMatch(/^[1-9][0-9]?$/)
  }
})
