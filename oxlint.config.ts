import { defineConfig } from 'oxlint'
import { folderSections } from './tools/folders.ts'
import { roomSections } from './tools/rooms.ts'

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
    'no-await-in-loop': 'off', // parts start one after the other
    'no-control-regex': 'off', // the gateway rejects control characters
    'unicorn/no-array-sort': 'off',
    'no-shadow': 'off',
    'import/no-named-as-default-member': 'off', // `fc.` and the like read well
    'import/no-named-as-default': 'off',
    'unicorn/consistent-function-scoping': 'off', // a part keeps its small functions inside
  },
  overrides: [
    ...roomSections(),
    ...folderSections(),
    {
      files: ['{demo,integration,launch,tools}/**/*.ts', 'sidecar/{bench,test}/**/*.ts'],
      rules: { 'unicorn/no-useless-spread': 'off' }, // groups options, or rows of a table
    },
    {
      files: ['sidecar/test/**/*.ts', 'integration/**/*.ts', 'demo/**/*.ts', 'launch/**/*.test.ts'],
      rules: {
        'typescript/no-unsafe-type-assertion': 'off',
        'vitest/no-conditional-expect': 'off', // a row may have no value
        'vitest/no-standalone-expect': 'off', // helpers of a table expect too
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
