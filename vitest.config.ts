import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['sidecar/test/**/*.test.ts', 'launch/**/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          globalSetup: ['integration/stack/shared.ts'],
          include: ['integration/**/*.test.ts'],
          fileParallelism: false,
          retry: 2, // what is timed may come late on a machine that others use
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
