import { globSync, readFileSync } from 'node:fs'
import { parseSync, Visitor } from 'oxc-parser'

/** Limits in lines for files and functions, and the maximum number of parameters. */
const BUDGET = {
  file: { p50: 120, p95: 250, max: 300 },
  function: { p50: 12, p95: 40, max: 60 },
  /** functions of `wiring/`, which list the parts of a process */
  wiring: 80,
  /** a part that holds variables, with its inner functions: a longer one hides its state */
  whole: 120,
  parameters: 4,
} as const

interface FunctionNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly params: readonly unknown[]
  readonly body: unknown
}

interface Measured {
  readonly where: string
  readonly size: number
}

const TESTS = [
  '{sidecar/test,sidecar/bench,integration}/**/*.ts',
  '{demo,launch,tools}/**/*.test.ts',
]
const tests = globSync(TESTS).sort()
const sources = globSync('{sidecar/src,demo,launch,tools}/**/*.ts', {
  exclude: ['**/*.test.ts'],
}).sort()
const problems = [...judge('sources', sources), ...judge('tests', tests)]
for (const problem of problems) process.stderr.write(`${problem}\n`)
process.exitCode = problems.length > 0 ? 1 : 0

function judge(title: string, files: readonly string[]): string[] {
  const sizes = files.map((file) => ({ where: file, size: lineCount(readFileSync(file, 'utf8')) }))
  const functions: Measured[] = []
  const problems: string[] = []
  for (const file of files) measureFunctions(file, functions, problems)
  problems.push(...exceeding('file', sizes))
  // Only the files of tests have a limit, because a test's body is a story of its own.
  if (title === 'sources') problems.push(...exceeding('function', functions))
  process.stdout.write(`${title}: files ${summary(sizes)}; functions ${summary(functions)}\n`)
  return problems
}

/**
 * A part is a function that takes its collaborators and holds named inner functions. Each inner
 * function is measured by itself, and not again in the part around it. A part with variables has a
 * bound for the whole, too.
 */
function measureFunctions(file: string, functions: Measured[], problems: string[]): void {
  const text = readFileSync(file, 'utf8')
  const lineOf = (offset: number): number => lineCount(text.slice(0, offset))
  const innerLines: number[] = []
  const enter = (): void => void innerLines.push(0)
  const leave = (node: FunctionNode): void => {
    const line = lineOf(node.start)
    const whole = lineOf(node.end) - line + 1
    const inner = innerLines.pop() ?? 0
    functions.push({ where: `${file}:${line}`, size: whole - inner })
    if (inner > 0 && holdsVariables(node) && whole > BUDGET.whole && sources.includes(file)) {
      const allowed = `${BUDGET.whole} are allowed where it holds variables`
      problems.push(`${file}:${line}: function of ${whole} lines, ${allowed}`)
    }
    const outer = innerLines.length - 1
    if (node.type === 'FunctionDeclaration' && outer >= 0) {
      innerLines[outer] = (innerLines[outer] ?? 0) + whole
    }
    if (node.params.length > BUDGET.parameters) {
      problems.push(`${file}:${line}: ${node.params.length} parameters`)
    }
  }
  new Visitor({
    FunctionDeclaration: enter,
    'FunctionDeclaration:exit': leave,
    FunctionExpression: enter,
    'FunctionExpression:exit': leave,
    ArrowFunctionExpression: enter,
    'ArrowFunctionExpression:exit': leave,
  }).visit(parseSync(file, text).program)
}

/** Whether statements right in the body, not in an inner function, declare variables with `let`. */
function holdsVariables({ body }: FunctionNode): boolean {
  const statements: unknown = Object(body).body
  if (!Array.isArray(statements)) return false
  return statements.some(({ type, kind }) => type === 'VariableDeclaration' && kind === 'let')
}

function exceeding(kind: 'file' | 'function', measured: readonly Measured[]): string[] {
  const { p50, p95 } = BUDGET[kind]
  const tooLong = measured
    .filter(({ where, size }) => size > allowedFor(kind, where))
    .map(({ where, size }) => {
      return `${where}: ${kind} of ${size} lines, ${allowedFor(kind, where)} are allowed`
    })
  const percentiles: [number, number][] = [
    [0.5, p50],
    [0.95, p95],
  ]
  const drifted = percentiles
    .filter(([share, limit]) => percentile(measured, share) > limit)
    .map(([share, limit]) => `${kind} p${share * 100} is over ${limit} lines`)
  return [...tooLong, ...drifted]
}

function allowedFor(kind: 'file' | 'function', where: string): number {
  const isWiring = kind === 'function' && where.startsWith('sidecar/src/wiring/')
  return isWiring ? BUDGET.wiring : BUDGET[kind].max
}

function percentile(measured: readonly Measured[], share: number): number {
  const sizes = measured.map(({ size }) => size).sort((a, b) => a - b)
  return sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * share))] ?? 0
}

function summary(measured: readonly Measured[]): string {
  const at = (share: number): number => percentile(measured, share)
  return `${measured.length}, p50 ${at(0.5)}, p95 ${at(0.95)}, max ${at(1)}`
}

function lineCount(text: string): number {
  return text.split('\n').length
}
