import { AssertionError } from 'node:assert'
import { format, isDeepStrictEqual } from 'node:util'

/**
 * Replaces vitest while mutants run: the few functions that unit tests of the mutated rooms use, in
 * one process, without a start per mutant. A missing matcher fails the first run.
 */
type Body = (...row: never[]) => unknown
type Register = (name: string, body: Body) => void

export interface Registered {
  /** after the names of its suites */
  readonly name: string
  readonly run: () => Promise<void>
}

interface Suite {
  readonly name: string
  readonly before: (() => unknown)[]
  readonly once: (() => Promise<void>)[]
}

const suites: Suite[] = []
const registered: Registered[] = []

/** @returns the tests that a file registered since the last call */
export function takeTests(): readonly Registered[] {
  suites.splice(0, suites.length, { name: '', before: [], once: [] })
  return registered.splice(0)
}

export const describe: Register & { each: Each } = withEach((name, body) => {
  suites.push({ name, before: [], once: [] })
  body()
  suites.pop()
})

export const it: Register & { each: Each } = withEach(registerTest)
export const test: Register & { each: Each } = withEach(registerTest)

function registerTest(name: string, body: Body): void {
  const around = [...suites]
  const run = async (): Promise<void> => {
    for (const { once } of around) for (const first of once) await first()
    for (const { before } of around) for (const each of before) await each()
    await body()
  }
  registered.push({ name: [...around.slice(1).map((suite) => suite.name), name].join(' '), run })
}

export function beforeEach(hook: () => unknown): void {
  suites.at(-1)?.before.push(hook)
}

/** Everything that tests leave behind ends with the process. */
export function afterAll(): void {}

export function beforeAll(hook: () => unknown): void {
  let first: Promise<void> | null = null
  suites.at(-1)?.once.push(() => (first ??= Promise.resolve(hook()).then(() => undefined)))
}

type Each = (rows: readonly unknown[]) => Register

function withEach(register: Register): Register & { each: Each } {
  const each: Each = (rows) => (name, body) => {
    for (const row of rows) {
      const given: readonly unknown[] = Array.isArray(row) ? row : [row]
      const named = name.includes('%s') ? format(name, ...given) : name
      register(named, () => Reflect.apply(body, undefined, given))
    }
  }
  return Object.assign((name: string, body: Body) => register(name, body), { each })
}

type Matcher = (actual: never, ...expected: never[]) => boolean

const MATCHERS: Readonly<Record<string, Matcher>> = {
  toBe: (actual: unknown, expected: unknown) => Object.is(actual, expected),
  toEqual: (actual: unknown, expected: unknown) => equals(actual, expected),
  toStrictEqual: (actual: unknown, expected: unknown) => isDeepStrictEqual(actual, expected),
  toMatchObject: (actual: unknown, expected: unknown) => matches(actual, expected),
  toBeNull: (actual: unknown) => actual === null,
  toBeUndefined: (actual: unknown) => actual === undefined,
  toBeDefined: (actual: unknown) => actual !== undefined,
  toBeInstanceOf: (actual: unknown, of: new () => unknown) => actual instanceof of,
  toBeGreaterThan: (actual: number, than: number) => actual > than,
  toBeGreaterThanOrEqual: (actual: number, than: number) => actual >= than,
  toBeLessThan: (actual: number, than: number) => actual < than,
  toBeLessThanOrEqual: (actual: number, than: number) => actual <= than,
  toContain: (actual: string | readonly unknown[], part: never) => actual.includes(part),
  toContainEqual: (actual: readonly unknown[], part: unknown) =>
    actual.some((item) => equals(item, part)),
  toHaveLength: (actual: { length: number }, length: number) => actual.length === length,
  toMatch: (actual: string, pattern: RegExp | string) => actual.search(pattern) >= 0,
  toHaveProperty: (actual: object, name: string) => Reflect.has(actual, name),
  toThrow: (actual: unknown, error?: unknown) => throws(actual, error),
}

interface Expectation {
  readonly [matcher: string]: (...expected: readonly unknown[]) => unknown
}

interface Expect {
  (actual: unknown): Expectation
  readonly any: (of: unknown) => Asymmetric
  readonly stringMatching: (pattern: RegExp) => Asymmetric
  readonly poll: (read: () => unknown, options?: { readonly timeout?: number }) => Expectation
}

class Asymmetric {
  readonly holds: (actual: unknown) => boolean
  constructor(holds: (actual: unknown) => boolean) {
    this.holds = holds
  }
}

export const expect: Expect = Object.assign((actual: unknown) => expectation(actual), {
  any: (of: unknown) =>
    new Asymmetric((actual) =>
      typeof of === 'function' && of.name === 'Object'
        ? typeof actual === 'object'
        : typeof of === 'function' &&
          actual !== null &&
          actual !== undefined &&
          Object(actual).constructor === of,
    ),
  stringMatching: (pattern: RegExp) =>
    new Asymmetric((actual) => typeof actual === 'string' && pattern.test(actual)),
  poll: (read: () => unknown, { timeout = 3000 } = {}) =>
    proxy(async (name, expected) => {
      for (const end = Date.now() + timeout; ; ) {
        try {
          return check(name, await read(), expected, true)
        } catch (error) {
          if (Date.now() > end) throw error
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      }
    }),
})

function expectation(actual: unknown): Expectation {
  const settled = async (wanted: 'resolves' | 'rejects'): Promise<unknown> => {
    try {
      const value = await actual
      if (wanted === 'resolves') return value
    } catch (error) {
      if (wanted === 'rejects') return error
      throw error
    }
    throw new AssertionError({ message: 'was resolved' })
  }
  return Object.assign(
    proxy((name, expected) => check(name, actual, expected, true)),
    {
      not: proxy((name, expected) => check(name, actual, expected, false)),
      resolves: proxy(async (name, expected) =>
        check(name, await settled('resolves'), expected, true),
      ),
      rejects: proxy(async (name, expected) =>
        check(name, await settled('rejects'), expected, true),
      ),
    },
  )
}

function proxy(call: (name: string, expected: readonly unknown[]) => unknown): Expectation {
  return Object.fromEntries(
    Object.keys(MATCHERS).map((name) => [name, (...expected: unknown[]) => call(name, expected)]),
  )
}

function check(name: string, actual: unknown, expected: readonly unknown[], is: boolean): void {
  const matcher = MATCHERS[name]
  if (matcher === undefined) throw new AssertionError({ message: `${name} is not known` })
  const holds: unknown = Reflect.apply(matcher, undefined, [actual, ...expected])
  if (holds !== is) throw new AssertionError({ message: name, actual, expected })
}

/** Like vitest: an undefined property equals a missing property. */
function equals(actual: unknown, expected: unknown): boolean {
  if (expected instanceof Asymmetric) return expected.holds(actual)
  if (!isObject(actual) || !isObject(expected)) return Object.is(actual, expected)
  if (!isPlain(expected) || !isPlain(actual)) return isDeepStrictEqual(actual, expected)
  if (Array.isArray(actual) !== Array.isArray(expected)) return false
  const names = new Set([...Object.keys(actual), ...Object.keys(expected)])
  return [...names].every((name) => equals(Reflect.get(actual, name), Reflect.get(expected, name)))
}

function matches(actual: unknown, expected: unknown): boolean {
  if (!isObject(actual) || !isObject(expected) || !isPlain(expected))
    return equals(actual, expected)
  if (Array.isArray(expected) && expected.length !== Reflect.get(actual, 'length')) return false
  return Object.keys(expected).every((name) =>
    matches(Reflect.get(actual, name), Reflect.get(expected, name)),
  )
}

function throws(actual: unknown, error: unknown): boolean {
  let thrown: unknown = actual
  if (typeof actual === 'function') {
    try {
      actual()
      return false
    } catch (caught) {
      thrown = caught
    }
  }
  if (error === undefined) return true
  if (typeof error === 'function') return thrown instanceof error
  const message = thrown instanceof Error ? thrown.message : ''
  if (error instanceof RegExp) return error.test(message)
  if (error instanceof Error) return message === error.message
  return typeof error === 'string' && message.includes(error)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isPlain(value: object): boolean {
  const of: unknown = Object.getPrototypeOf(value)
  return of === null || of === Object.prototype || Array.isArray(value)
}
