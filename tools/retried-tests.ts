import type { Reporter, TestCase, TestModule } from 'vitest/node'

/**
 * A vitest reporter that prints the number and names of the tests that passed only on a retry. Such
 * a test fails one day, or hides an error that happens now and then.
 */
export default class RetriedTests implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const retried = modules.flatMap((module) => [...module.children.allTests()]).filter(isRetried)
    const names = retried.map(
      ({ fullName, module }) => `  ${module.relativeModuleId}: ${fullName}\n`,
    )
    process.stdout.write(`tests that passed only on a retry: ${retried.length}\n${names.join('')}`)
  }
}

function isRetried(test: TestCase): boolean {
  return test.diagnostic()?.flaky === true
}
