import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Mutant } from './mutation-operators.ts'
import { HOME, ROOMS, roomMutants } from './mutation-rooms.ts'

/**
 * Changes the sources of rooms a little, one change at a time, and prints the changes that no unit test
 * notices. docs/mutation-testing.md explains the ones that are known.
 *
 * Usage: mutants.ts [ROOM]…
 */
type Fate = 'killed' | 'survived' | 'endless'

/** a worker keeps every evaluated module, so none lives long */
const COUNT = 400
const SILENT_MS = 180_000

for (const room of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(ROOMS)) {
  const mutants = roomMutants(room)
  const fates = new Map<number, Fate>()
  for (let next = 0; next < mutants.length; ) {
    await fatesFrom(room, next, fates)
    // A worker that ended at once would be started for ever.
    if (!fates.has(next)) throw new Error(`the tests of ${room} could not be run`)
    next = Math.max(...fates.keys()) + 1
  }
  report(room, mutants, fates)
}

/** Has a worker judge mutants until it ends, or is ended because a mutant never does. */
async function fatesFrom(room: string, first: number, fates: Map<number, Fate>): Promise<void> {
  const worker = spawn(
    process.execPath,
    [`${HOME}/tools/mutant-worker.ts`, room, String(first), String(COUNT)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let begun = -1
  const watch = setTimeout(() => end(worker), SILENT_MS)
  for await (const line of createInterface(worker.stdout)) {
    watch.refresh()
    const [number = '', word = ''] = line.split(' ')
    if (word === 'begun') begun = Number(number)
    else if (word === 'killed' || word === 'survived') fates.set(Number(number), word)
  }
  clearTimeout(watch)
  if (begun >= 0 && !fates.has(begun)) fates.set(begun, 'endless')
}

function end(worker: ChildProcess): void {
  worker.kill('SIGKILL')
}

function report(room: string, mutants: readonly Mutant[], fates: ReadonlyMap<number, Fate>): void {
  const survivors = mutants.filter((_, number) => fates.get(number) === 'survived')
  const noticed = mutants.length - survivors.length
  process.stdout.write(
    [
      `${room}: ${mutants.length} mutants, ${noticed} noticed, ${survivors.length} survived`,
      ...survivors.map(({ file, line, change }) => `  ${file}:${line}: ${change}`),
      '',
    ].join('\n'),
  )
}
