import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { reportOf } from './mutation-operators.ts'
import { HOME, ROOMS, roomMutants } from './mutation-rooms.ts'

/**
 * Changes the sources of rooms, one small change at a time, and prints the changes that no unit
 * test notices. docs/mutation-testing.md explains the known survivors.
 *
 * Usage: mutants.ts [ROOM]…, where `gate` is the scripts of lighttpd, and `gate/target` one of them
 */
type Fate = 'killed' | 'survived' | 'endless'

/** a worker keeps every evaluated module, so its number of mutants is limited */
const COUNT = 400
/**
 * A worker prints something each second, unless a mutant loops without end and uses the processor.
 */
const [LOOK_MS, SILENT_CPU_SECONDS] = [5000, 20]
const TICKS_PER_SECOND = 100

const asked = process.argv.length > 2 ? process.argv.slice(2) : [...Object.keys(ROOMS), 'gate']
for (const room of asked) {
  if (/^gate(\/|$)/.test(room)) tryGate(room)
  else await tryRoom(room)
}

/** Runs the battery of the gate as a program: tools import nothing of the integration tests. */
function tryGate(room: string): void {
  const main = `${HOME}/integration/gate-mutants/main.ts`
  const { status } = spawnSync(process.execPath, [main, room], { stdio: 'inherit' })
  if (status !== 0) throw new Error(`the battery of ${room} could not be run`)
}

async function tryRoom(room: string): Promise<void> {
  const mutants = roomMutants(room)
  const fates = new Map<number, Fate>()
  for (let next = 0; next < mutants.length; ) {
    await fatesFrom(room, next, fates)
    // A worker that exits at once would be started forever.
    if (!fates.has(next)) throw new Error(`the tests of ${room} could not be run`)
    next = Math.max(...fates.keys()) + 1
  }
  const survivors = mutants.filter((_, number) => fates.get(number) === 'survived')
  process.stdout.write(reportOf(room, mutants, survivors))
}

/** Runs a worker on mutants until it ends, or until it is ended because of an endless mutant. */
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

/** Processor time, not wall time: a worker that waits for the machine is not endless. */
function cpuSeconds({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    return 0 // the process has ended
  }
}
