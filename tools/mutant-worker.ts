import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { HOME, isLeftOut, roomMutants, roomTests } from './mutation-rooms.ts'
import { takeTests } from './mutation-vitest.ts'

/**
 * Runs a room's tests on its mutants in this process, from a given mutant on. Prints two lines per
 * mutant for `mutants.ts`: its index with `begun`, and with `killed` or `survived`; and `alive`
 * each second. The unchanged sources run first and must pass.
 *
 * Modules that a changed file cannot reach are evaluated once; the others anew for each mutant.
 *
 * Usage: mutant-worker.ts ROOM FIRST COUNT
 */
const [room = '', first = '0', count = '0'] = process.argv.slice(2)
/** limit of a test: first run, minimum later, and factor over its whole file's first run */
const [FIRST_MS, LEAST_MS, PATIENCE] = [60_000, 3000, 4]
const STAND_IN = new URL('mutation-vitest.ts', import.meta.url).href

/** evaluated versions of files */
let version = { number: 0, file: '', source: '', reached: new Set<string>() }
const javaScript = new Map<string, string>()
const importers = new Map<string, Set<string>>()

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'vitest') return { url: STAND_IN, shortCircuit: true }
    const found = next(specifier, context)
    if (!found.url.startsWith('file:')) return found
    const file = fileURLToPath(found.url)
    if (!version.reached.has(file)) return found
    return { ...found, url: `${pathToFileURL(file).href}?mutant=${version.number}` }
  },
  load(url, context, next) {
    if (!url.startsWith('file:') || !url.includes('.ts')) return next(url, context)
    const file = fileURLToPath(url)
    if (!file.startsWith(join(HOME, 'sidecar'))) return next(url, context)
    const source = file === version.file ? version.source : strippedOf(file)
    return { format: 'module', source, shortCircuit: true }
  },
})
process.on('unhandledRejection', () => undefined) // possibly of an earlier mutant
setInterval(() => process.stdout.write('alive\n'), 1000)

const tests = roomTests(room).map((file) => join(HOME, file))
for (const file of tests) readImports(file)
const durations = new Map<string, number>()
for (const file of tests) {
  const start = performance.now()
  const failure = await failureOf(file)
  if (failure !== null) throw new Error(`${file} fails on the sources as they are: ${failure}`)
  durations.set(file, performance.now() - start)
}
tests.sort((a, b) => (durations.get(a) ?? 0) - (durations.get(b) ?? 0))

const end = Number(first) + Number(count)
for (const [number, mutant] of roomMutants(room).entries()) {
  if (number < Number(first) || number >= end) continue
  process.stdout.write(`${number} begun\n`)
  const file = join(HOME, mutant.file)
  const source = stripTypeScriptTypes(mutant.source)
  version = { number: number + 1, file, source, reached: reachedBy(file) }
  process.stdout.write(`${number} ${(await isKilled()) ? 'killed' : 'survived'}\n`)
}
process.exit(0) // despite timers that a mutant left

async function isKilled(): Promise<boolean> {
  for (const test of tests) {
    if (version.reached.has(test) && (await failureOf(test)) !== null) return true
  }
  return false
}

async function failureOf(file: string): Promise<string | null> {
  takeTests()
  try {
    await import(`${pathToFileURL(file).href}?mutant=${version.number}`)
    for (const { name, run } of takeTests()) {
      if (isLeftOut(room, name)) continue
      try {
        await within(run(), PATIENCE * (durations.get(file) ?? FIRST_MS))
      } catch (error) {
        return `${name}: ${String(error)}`
      }
    }
    return null
  } catch (error) {
    return String(error)
  }
}

async function within(running: Promise<void>, limitMs: number): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new Error('came too late')),
    Math.max(limitMs, LEAST_MS),
  )
  try {
    await Promise.race([running, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function strippedOf(file: string): string {
  const known = javaScript.get(file)
  if (known !== undefined) return known
  const stripped = stripTypeScriptTypes(readFileSync(file, 'utf8'))
  javaScript.set(file, stripped)
  return stripped
}

function readImports(file: string): void {
  for (const [, path = ''] of strippedOf(file).matchAll(/\bfrom '(\.[^']+\.ts)'/g)) {
    const imported = join(dirname(file), path)
    const by = importers.get(imported)
    if (by === undefined) {
      importers.set(imported, new Set([file]))
      readImports(imported)
    } else by.add(file)
  }
}

function reachedBy(file: string): Set<string> {
  const reached = new Set([file])
  for (const one of reached) for (const importer of importers.get(one) ?? []) reached.add(importer)
  return reached
}
