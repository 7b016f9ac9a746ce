import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HOME } from '../../launch/gateway.ts'
import { luaMutantsOf } from '../../tools/lua-operators.ts'
import type { Mutant } from '../../tools/mutation-operators.ts'
import { ANSWER_CHECKS } from './answer-checks.ts'
import { type Check, serving } from './check.ts'
import { logsReasons, readsProofs } from './file-checks.ts'
import {
  type GateFixture,
  type GateFolder,
  prepareGateFolder,
  startGateFixture,
} from './gate-fixture.ts'
import { REQUEST_CHECKS } from './request-checks.ts'

/**
 * Rooms of the scripts that decide; the other scripts of `lighttpd/lua/` count, name and read
 * settings.
 */
export const GATE_SCRIPTS: readonly string[] = [
  ...['gate/gate', 'gate/proof', 'gate/target', 'gate/headers', 'gate/response'],
  ...['gate/refusal', 'gate/connections'],
]
/** of a check, on a shared machine */
const LIMIT_MS = 40_000

/** Every mutant of a script. */
export function gateMutants(room: string): readonly Mutant[] {
  const file = `${room.replace('gate', 'lighttpd/lua')}.lua`
  return luaMutantsOf(file, readFileSync(join(HOME, file), 'utf8'))
}

/**
 * Starts a lighttpd with each mutant of a script and runs the battery on it.
 *
 * @returns the mutants that met every check
 * @throws {Error} when the unchanged scripts fail
 */
export async function survivorsOfGate(room: string): Promise<readonly Mutant[]> {
  const place = await prepareGateFolder()
  const survivors: Mutant[] = []
  let checks: readonly Check[] = [...REQUEST_CHECKS, ...ANSWER_CHECKS]
  try {
    const unmet =
      (await firstUnmet(place, null, [readsProofs])) ?? (await firstUnmet(place, null, checks))
    if (unmet !== null) throw new Error(`the scripts as they are do not pass: ${unmet.why}`)
    for (const mutant of gateMutants(room)) {
      const first = await firstUnmetOf(place, mutant, checks)
      if (first === null) survivors.push(mutant)
      // The check that noticed this change probably notices the next change.
      checks = checks.toSorted((a, b) => Number(b === first?.check) - Number(a === first?.check))
    }
  } finally {
    place.remove()
  }
  return survivors
}

async function firstUnmetOf(
  place: GateFolder,
  mutant: Mutant,
  checks: readonly Check[],
): Promise<Unmet | null> {
  const isOfProof = mutant.file.endsWith('/proof.lua')
  const unmet = isOfProof ? await firstUnmet(place, mutant, [readsProofs]) : null
  return unmet ?? firstUnmet(place, mutant, checks)
}

interface Unmet {
  readonly check: Check
  readonly why: string
}

async function firstUnmet(
  place: GateFolder,
  mutant: Mutant | null,
  checks: readonly Check[],
): Promise<Unmet | null> {
  const gate = await startGateFixture(place, (folder) => {
    if (mutant === null) return
    writeFileSync(join(folder, mutant.file.replace('lighttpd/', '')), mutant.source)
  })
  try {
    const all = checks.includes(readsProofs) ? checks : [...checks, logsReasons]
    for (const check of all) {
      serving(gate)
      const why = await problemOf(check, gate)
      if (why !== null) return { check, why }
    }
    return null
  } finally {
    await gate.stop()
  }
}

/**
 * @returns null when the gate meets a check in time; a script that never ends is ended with its
 *   lighttpd
 */
async function problemOf(check: Check, gate: GateFixture): Promise<string | null> {
  const late = Promise.withResolvers<string>()
  const timer = setTimeout(() => {
    process.kill(gate.pid, 'SIGKILL')
    late.resolve('came too late')
  }, LIMIT_MS)
  const trying = check(gate).then(
    () => null,
    (error: unknown) => `${check.name}: ${String(error)}`,
  )
  try {
    return await Promise.race([trying, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
