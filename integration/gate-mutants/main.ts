import { reportOf } from '../../tools/mutation-operators.ts'
import { GATE_SCRIPTS, gateMutants, survivorsOfGate } from './gate-mutants.ts'

/**
 * Changes the scripts of the gate a little and prints the changes that the battery misses:
 * `make mutants ROOMS=gate`.
 *
 * Usage: main.ts ROOM, where `gate` is all scripts and `gate/target` is a single script
 */
const [room = 'gate'] = process.argv.slice(2)
const scripts = room === 'gate' ? GATE_SCRIPTS : [room]
const unknown = scripts.find((script) => !GATE_SCRIPTS.includes(script))
if (unknown !== undefined) throw new Error(`no script of the gate is called \`${unknown}\``)
for (const script of scripts) {
  process.stdout.write(reportOf(script, gateMutants(script), await survivorsOfGate(script)))
}
