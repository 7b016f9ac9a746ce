import { defineConfig } from 'oxlint'

/** The rooms of sidecar/src in the order in which a request meets them. */
const ROOMS = [
  'fcgi',
  'http',
  'credential',
  'verify',
  'session',
  'revocation',
  'policy',
  'upstream',
  'sign-in',
  'authorize',
  'responder',
] as const

/** Rooms that compute and do nothing else: no clock, no process, no network, no files. */
const PURE_ROOMS = ['domain', 'http', 'credential', 'policy', 'revocation']

/** Whose functions, and not only types, a room may call: the story calls the pure rooms. */
const CALLABLE: Readonly<Record<string, readonly string[]>> = {
  'sign-in': ['http', 'verify'],
  authorize: ['http', 'credential', 'policy'],
  responder: ['http', 'session', 'authorize', 'sign-in'],
}

const OUTER = ['store', 'near-cache', 'adapters', 'observe', 'config', 'wiring', 'processes', 'cli']

const NO_IO = {
  group: ['node:fs', 'node:fs/*', 'node:net', 'node:http', 'node:https', 'node:child_process'],
  message: 'a pure room does no input or output',
}

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'vitest'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  ignorePatterns: ['node_modules', '.tools', '.run'],
  rules: {
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/explicit-module-boundary-types': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/switch-exhaustiveness-check': [
      'error',
      { considerDefaultExhaustiveForUnions: true },
    ],
    'typescript/consistent-return': 'off', // the compiler knows better
    'typescript/unbound-method': 'off', // parts are closures: their methods use no `this`
    'typescript/consistent-type-imports': 'error',
    'import/no-default-export': 'error',
    'import/no-cycle': 'error',
    'no-empty': ['error', { allowEmptyCatch: false }],
    'no-var': 'error',
    eqeqeq: 'error',
    'max-params': ['error', { max: 4 }],
    'max-lines': ['error', { max: 300 }],
    'no-await-in-loop': 'off', // pieces start one after the other; a retry waits for the last try
    'no-control-regex': 'off', // refusing control characters is what this project does
    'unicorn/no-array-sort': 'off',
    'no-shadow': 'off',
    'import/no-named-as-default-member': 'off', // `fc.` and the like read well
    'import/no-named-as-default': 'off',
    'unicorn/consistent-function-scoping': 'off', // a part keeps its small functions inside
    'unicorn/no-useless-spread': 'off', // groups an option with its value
  },
  overrides: [
    ...ROOMS.map(roomRules),
    {
      files: ['sidecar/src/domain/**/*.ts'],
      rules: restrictedImports([forbidden([...ROOMS, ...OUTER])]),
    },
    ...PURE_ROOMS.map((room) => ({
      files: [`sidecar/src/${room}/**/*.ts`],
      rules: {
        'no-restricted-globals': [
          'error',
          'Date',
          'process',
          'fetch',
          'setTimeout',
          'setInterval',
          'setImmediate',
          'performance',
        ] as const,
      },
    })),
    {
      files: ['sidecar/test/**/*.ts', 'integration/**/*.ts', 'launch/**/*.test.ts'],
      rules: {
        'typescript/no-unsafe-type-assertion': 'off',
        'vitest/no-conditional-expect': 'off', // rows of a table may say what is absent
        'vitest/no-standalone-expect': 'off', // helpers of a table expect, too
        'vitest/valid-expect': ['error', { maxArgs: 2 }], // a message may say which row
        'typescript/require-array-sort-compare': ['error', { ignoreStringArrays: true }],
        'vitest/expect-expect': ['error', { assertFunctionNames: ['expect*', '**.expect*'] }],
      },
    },
    {
      files: ['*.config.ts', 'tools/retried-tests.ts'],
      rules: { 'import/no-default-export': 'off' },
    },
  ],
})

function roomRules(room: string, index: number): { files: string[]; rules: object } {
  const others = [...ROOMS, ...OUTER].filter((other) => other !== room)
  const below = [...ROOMS.slice(index + 1), ...OUTER]
  const callable = CALLABLE[room] ?? []
  const groups = [
    forbidden(below),
    { ...forbidden(others.filter((other) => !callable.includes(other))), allowTypeImports: true },
  ]
  const isPure = PURE_ROOMS.includes(room)
  return {
    files: [`sidecar/src/${room}/**/*.ts`],
    rules: restrictedImports(isPure ? [...groups, NO_IO] : groups),
  }
}

function forbidden(rooms: readonly string[]): { group: string[]; message: string } {
  return {
    group: rooms.map((room) => `**/${room}/**`),
    message: 'a room imports domain, its own files, and types of the rooms above it',
  }
}

function restrictedImports(patterns: readonly object[]): object {
  return { 'no-restricted-imports': ['error', { patterns }] }
}
