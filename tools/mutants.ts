import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import {
  GATE_SCRIPTS,
  gateMutants,
  survivorsOfGate,
} from '../integration/gate-mutants/gate-mutants.ts'
import type { Mutant } from './mutation-operators.ts'
import { HOME, ROOMS, roomMutants } from './mutation-rooms.ts'

/**
 * Changes the sources of rooms a little, one change at a time, and prints the changes that no unit test
 * notices. docs/mutation-testing.md explains the ones that are known.
 *
 * Usage: mutants.ts [ROOM]…, where `gate` is the scripts of lighttpd, and `gate/target` one of them
 */
type Fate = 'killed' | 'survived' | 'endless'

/** a worker keeps every evaluated module, so none lives long */
const COUNT = 400
/** A worker prints something each second, unless a mutant loops without end: then it works on and on. */
const [LOOK_MS, SILENT_CPU_SECONDS] = [5000, 20]
const TICKS_PER_SECOND = 100

const asked = process.argv.length > 2 ? process.argv.slice(2) : [...Object.keys(ROOMS), 'gate']
for (const room of asked.flatMap((one) => (one === 'gate' ? GATE_SCRIPTS : [one]))) {
  if (GATE_SCRIPTS.includes(room)) report(room, gateMutants(room), await survivorsOfGate(room))
  else await tryRoom(room)
}

async function tryRoom(room: string): Promise<void> {
  const mutants = roomMutants(room)
  const fates = new Map<number, Fate>()
  for (let next = 0; next < mutants.length; ) {
    await fatesFrom(room, next, fates)
    // A worker that ended at once would be started for ever.
    if (!fates.has(next)) throw new Error(`the tests of ${room} could not be run`)
    next = Math.max(...fates.keys()) + 1
  }
  const survivors = mutants.filter((_, number) => fates.get(number) === 'survived')
  report(room, mutants, survivors)
}

/** Has a worker judge mutants until it ends, or is ended because a mutant never does. */
async function fatesFrom(room: string, first: number, fates: Map<number, Fate>): Promise<void> {
  const worker = spawn(
    process.execPath,
    [`${HOME}/tools/mutant-worker.ts`, room, String(first), String(COUNT)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let begun = -1
  let usedSeconds = 0
  const watch = setInterval(() => {
    if (cpuSeconds(worker) - usedSeconds > SILENT_CPU_SECONDS) worker.kill('SIGKILL')
  }, LOOK_MS)
  for await (const line of createInterface(worker.stdout)) {
    usedSeconds = cpuSeconds(worker)
    const [number = '', word = ''] = line.split(' ')
    if (word === 'begun') begun = Number(number)
    else if (word === 'killed' || word === 'survived') fates.set(Number(number), word)
  }
  clearInterval(watch)
  if (begun >= 0 && !fates.has(begun)) fates.set(begun, 'endless')
}

/** Processor time, not the wall's: a worker that others keep waiting is not endless. */
function cpuSeconds({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    return 0 // it has ended
  }
}

function report(room: string, mutants: readonly Mutant[], survivors: readonly Mutant[]): void {
  const noticed = mutants.length - survivors.length
  process.stdout.write(
    [
      `${room}: ${mutants.length} mutants, ${noticed} noticed, ${survivors.length} survived`,
      ...survivors.map(({ file, line, change }) => `  ${file}:${line}: ${change}`),
      '',
    ].join('\n'),
  )
}
