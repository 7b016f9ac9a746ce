import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSimulation, KEYS, type Read, type Simulation } from './simulated-redis-fixture.ts'

/** Reads so far; the simulation's history has the truth. */
interface Model {
  readonly reads: Read[]
}

type Step = fc.AsyncCommand<Model, Simulation>

function step(name: string, run: (real: Simulation, model: Model) => Promise<void> | void): Step {
  return {
    check: () => true,
    async run(model, real) {
      real.count()
      await run(real, model)
      for (const read of model.reads) {
        expect(real.isJustified(read), `${name}: ${JSON.stringify(read)}`).toBe(true)
      }
    },
    toString: () => name,
  }
}

const key = fc.constantFrom(...KEYS)
let written = 0

const always = (
  name: string,
  run: (real: Simulation) => Promise<void> | void,
): fc.Arbitrary<Step> => fc.constant(step(name, run))

const STEPS: fc.Arbitrary<Step>[] = [
  fc
    .tuple(key, fc.boolean())
    .map(([name, isThere]) =>
      step(isThere ? `set ${name}` : `delete ${name}`, (real) =>
        real.write(name, isThere ? String(++written) : null),
      ),
    ),
  key.map((name) => step(`ask for ${name}`, (real, { reads }) => real.read(name, reads))),
  key.map((name) =>
    step(`read ${name}, not answered yet`, async (real, { reads }) => {
      await real.read(name, reads)
      await real.execute()
    }),
  ),
  always('a command arrives', (real) => real.execute()),
  always('a reply comes', (real) => real.reply()),
  always('an invalidation comes', (real) => real.deliver()),
  always('invalidations come', async (real) => {
    for (let i = 0; i < 3; i++) await real.deliver()
  }),
  always('a heartbeat is sent', (real) => real.beat()),
  always('the tracking connection breaks', (real) => real.disconnect()),
  always('the tracking connection is back', (real) => real.connect()),
  fc.boolean().map((arrive) => step(`commands break`, (real) => real.breakCommands(arrive))),
  always('commands time out', (real) => real.timeOut()),
  fc.constantFrom(1, 300, 1500, 2001).map((ms) => step(`${ms} ms`, (real) => real.pass(ms))),
  always('a heartbeat comes back', beat),
  // longer than the bound, and the feed stays fresh
  ...Array.from({ length: 3 }, () =>
    always('three good seconds', async (real) => {
      for (let second = 0; second < 3; second++) {
        real.pass(1000)
        await beat(real)
      }
    }),
  ),
]

async function beat(real: Simulation): Promise<void> {
  await real.beat()
  while (await real.goOn());
}

test('no value is older than the bound, whatever races, breaks and comes late', async () => {
  let fresh = 0
  await fc.assert(
    fc.asyncProperty(fc.commands(STEPS, { maxCommands: 60, size: 'max' }), async (commands) => {
      const real = createSimulation()
      real.connect()
      await fc.asyncModelRun(() => ({ model: { reads: [] }, real }), commands)
      if (real.stalenessMs() <= 2000) fresh++
    }),
    { numRuns: 3000 },
  )
  expect(fresh).toBeGreaterThan(100) // or the cache was never in use
}, 60_000)
