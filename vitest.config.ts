import { defineConfig } from 'vitest/config'

/** Default wait of `expect.poll`; the machine may be shared. */
const PATIENT = { poll: { timeout: 5000 } }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          expect: PATIENT,
          include: ['{sidecar/test,launch,demo,tools}/**/*.test.ts'],
          sequence: { groupOrder: 1 }, // without an order, last on few processors
          maxWorkers: 2, // tests wait more than they compute
          retry: 1, // real Redis servers with limits of 250 ms; the run's end counts retried tests
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          expect: PATIENT,
          globalSetup: ['integration/harness/setup.ts'],
          setupFiles: ['integration/harness/before-each-file.ts'],
          include: ['integration/**/*.test.ts'],
          exclude: ['integration/compose/**', 'integration/shared-redis/**'],
          sequence: { groupOrder: 2 },
          maxWorkers: 2, // each worker has a stack (integration/harness/shared-stack.ts)
          isolate: false, // loading takes a minute
          retry: 2, // timed tests may be late on a shared machine
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'timed', // beside other tests these would measure the machine
          expect: PATIENT,
          globalSetup: ['integration/harness/setup.ts'],
          include: ['integration/shared-redis/**/*.test.ts'],
          sequence: { groupOrder: 3 },
          fileParallelism: false,
          isolate: false,
          retry: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'containers',
          expect: PATIENT,
          globalSetup: ['integration/compose/setup.ts'],
          setupFiles: ['integration/compose/images-made.ts'],
          include: ['integration/compose/**/*.test.ts'],
          sequence: { groupOrder: 4 }, // last: its containers run until the end
          fileParallelism: false,
          retry: 1,
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          expect: PATIENT,
          name: 'soak', // minutes: for `make soak`, left out by `make test`
          globalSetup: ['integration/compose/setup.ts'],
          setupFiles: ['integration/compose/images-made.ts'],
          include: ['integration/**/*.soak.ts'],
          sequence: { groupOrder: 5 },
          testTimeout: 600_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
