import { existsSync, readFileSync } from 'node:fs'

/**
 * Prints `N passed, N failed, N skipped` of a vitest JSON report, and fails unless every check and
 * test passed.
 *
 * Usage: test-counts.ts REPORT CHECKS_EXIT TESTS_EXIT
 */
const [report = '', checksExit = '1', testsExit = '1'] = process.argv.slice(2)

const counts = existsSync(report) ? readCounts(report) : { passed: 0, failed: 0, skipped: 0 }
if (checksExit !== '0') counts.failed++
// A file that fails outside its tests, or a run that was cut short, names no failed test.
if (testsExit !== '0' && counts.failed === 0) counts.failed++
process.stdout.write(
  `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`,
)
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0

function readCounts(file: string): { passed: number; failed: number; skipped: number } {
  const summary: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return {
    passed: numberOf(summary, 'numPassedTests'),
    failed: numberOf(summary, 'numFailedTests'),
    skipped: numberOf(summary, 'numPendingTests') + numberOf(summary, 'numTodoTests'),
  }
}

function numberOf(summary: unknown, name: string): number {
  if (typeof summary !== 'object' || summary === null) return 0
  const value: unknown = Reflect.get(summary, name)
  return typeof value === 'number' ? value : 0
}
