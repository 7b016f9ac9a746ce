import { spawnSync } from 'node:child_process'

/**
 * The steps that a change must pass before it is committed, quickest first. All steps run, whatever
 * fails.
 */
const STEPS = [
  ['format', 'node_modules/@biomejs/biome/bin/biome', 'ci', '.'],
  ['lint', 'node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'],
  ['types', 'node_modules/typescript/bin/tsc', '--noEmit'],
  ['dead code', 'node_modules/knip/bin/knip.js'],
  ['budgets', 'tools/budgets.ts'],
  ['prose', 'tools/prose.ts'],
  ['unit tests', 'node_modules/vitest/vitest.mjs', 'run', '--project', 'unit'],
] as const

const steps = process.argv.includes('--without-tests')
  ? STEPS.filter(([name]) => name !== 'unit tests')
  : STEPS
const failed = steps.filter(([name, ...args]) => {
  process.stdout.write(`== ${name}\n`)
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0
})
if (failed.length > 0) {
  process.stderr.write(`failed: ${failed.map(([name]) => name).join(', ')}\n`)
  process.exitCode = 1
}
