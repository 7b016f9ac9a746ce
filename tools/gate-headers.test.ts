import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { GATE_HEADERS, OBLIGATION_VARIABLES } from '../sidecar/src/domain/obligation.ts'

const LUA = join(import.meta.dirname, '../lighttpd/lua')
const HEADERS = readFileSync(join(LUA, 'headers.lua'), 'utf8')
const GATE = readFileSync(join(LUA, 'gate.lua'), 'utf8')

/** Variables of a reply that no decision obliges to: proof, id and trace come from elsewhere. */
const OTHER_VARIABLES = ['BRICKGATE_PROOF', 'BRICKGATE_REQUEST_ID', 'BRICKGATE_TRACEPARENT']

/** The rows of `OBLIGATIONS`: header, null for a configured name, and variable. */
function rowsOf(lua: string): readonly (readonly [header: string | null, variable: string])[] {
  const [, table = ''] = lua.split('local OBLIGATIONS = {\n')
  const [rows = ''] = table.split('\n}\n')
  return [...rows.matchAll(/^ {2}\{ (?:"([\w-]+)"|settings\.\w+), "(\w+)"/gm)].map(
    ([, header = null, variable = '']) => [header, variable],
  )
}

/** Lower-case names of the headers that the gate sets by themselves or by `OBLIGATIONS`. */
function headersOf(lua: string): readonly string[] {
  const single = lua.matchAll(/req_header\["([\w-]+)"\] = /g)
  const named = lua.matchAll(/^local WEBSOCKET = "([\w-]+)"$/gm)
  const names = [...single, ...named].map(([, name = '']) => name)
  const obliged = rowsOf(lua).map(([header]) => header)
  return [...names, ...obliged.filter((header) => header !== null)].map((name) =>
    name.toLowerCase(),
  )
}

it('the gate sets exactly the headers that no configured header may be', () => {
  expect(new Set(headersOf(HEADERS + GATE))).toEqual(GATE_HEADERS)
})

it('the gate makes headers of exactly the variables that a reply may carry', () => {
  const variables = new Set(rowsOf(HEADERS).map(([, variable]) => variable))
  expect(variables).toEqual(new Set([...OBLIGATION_VARIABLES, ...OTHER_VARIABLES]))
})

it('a header that only the gate knows is found', () => {
  const row = '  { "X-Brickgate-Risk", "BRICKGATE_RISK" },\n'
  const changed = HEADERS.replace('local OBLIGATIONS = {\n', `local OBLIGATIONS = {\n${row}`)
  expect(headersOf(changed).filter((name) => !GATE_HEADERS.has(name))).toEqual(['x-brickgate-risk'])
  expect(rowsOf(changed)).toHaveLength(rowsOf(HEADERS).length + 1)
})
