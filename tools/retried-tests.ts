import type { Reporter, TestCase, TestModule } from 'vitest/node'

/**
 * A reporter for vitest that ends with the number of tests that passed only by a retry, and their names:
 * such a test fails one day, or hides what fails now and then.
 */
export default class RetriedTests implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const retried = modules.flatMap((module) => [...module.children.allTests()]).filter(isRetried)
    const names = retried.map(
      ({ fullName, module }) => `  ${module.relativeModuleId}: ${fullName}\n`,
    )
    process.stdout.write(`tests that passed only by a retry: ${retried.length}\n${names.join('')}`)
  }
}

function isRetried(test: TestCase): boolean {
  return test.diagnostic()?.flaky === true
}
