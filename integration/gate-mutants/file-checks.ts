import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { PROOFS } from '../fail-closed/misbehaviours.ts'
import { readRefusal } from '../harness/refusals.ts'
import { type Check, sendRequest, takeReceived } from './check.ts'

const BAD_PROOF_FILES = [
  ...[
    '',
    '\n',
    `${'a'.repeat(63)}\n`,
    `${'a'.repeat(65)}\n`,
    `${'A'.repeat(64)}\n`,
    ` ${PROOFS[0]}\n`,
  ],
  ...[`${PROOFS[0]}\r\n`, `${PROOFS[0]}\nabc\n`, `abc\n${PROOFS[0]}\n`, `${PROOFS[0]}\n\n`],
  [...PROOFS, 'c'.repeat(64)].join('\n'),
]

/** For a gate that has not read its proof yet. */
export const readsProofs: Check = async (gate) => {
  for (const text of BAD_PROOF_FILES) {
    writeFileSync(gate.proofFile, text, 'latin1')
    equal(readRefusal(await sendRequest(gate)).status, 500)
  }
  rmSync(gate.proofFile)
  equal(readRefusal(await sendRequest(gate)).status, 500)
  deepEqual([gate.internal.asked, gate.egress.received], [0, []])
  writeFileSync(gate.proofFile, PROOFS[0])
  equal((await sendRequest(gate)).status, 200)
  takeReceived(gate)
}

/** For the end of a battery. lighttpd writes its access log late, but at once on SIGHUP. */
export const logsReasons: Check = async (gate) => {
  const path = `/api/${'a'.repeat(600)}`
  const long = await sendRequest(gate, [], { target: `${path}?not-for-the-logs` })
  const refused = await sendRequest(gate, [], {
    target: `/api/${'b'.repeat(506)};?not-for-the-logs`,
  })
  process.kill(gate.pid, 'SIGHUP')
  const lines = new Map<string, { path: string; reason: string }>()
  const end = Date.now() + 5000
  while (!lines.has(String(refused.headers['x-request-id'])) && Date.now() < end) {
    for (const line of gate.accessLines()) lines.set(line.request_id, { path: '', ...line })
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  equal(lines.get(String(long.headers['x-request-id']))?.path, `${path.slice(0, 512)}[cut]`)
  equal(lines.get(String(refused.headers['x-request-id']))?.path, `/api/${'b'.repeat(506)};`)
  for (const [id, reason] of gate.reasons)
    match(lines.get(id)?.reason ?? '', new RegExp(`^(${reason})$`))
  const logs = gate.log('access.log') + gate.log('lighttpd-error.log')
  for (const secret of ['not-for-the-logs', ...PROOFS]) ok(!logs.includes(secret))
}
