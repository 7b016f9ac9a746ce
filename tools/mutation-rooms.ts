import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Mutant, mutantsOf } from './mutation-operators.ts'

export const HOME: string = join(import.meta.dirname, '..')

/** Mutated sources, and the tests that must notice, quickest first. */
interface Room {
  readonly sources: readonly string[]
  readonly tests: readonly string[]
  /** tests that are left out, because they start too slowly */
  readonly leftOut?: RegExp
}

export const ROOMS: Readonly<Record<string, Room>> = {
  verify: {
    sources: ['sidecar/src/verify/*.ts'],
    // Sign-ins read facts about tokens only through sign-in-tokens.ts.
    tests: ['sidecar/test/{verify,sign-in}/*.test.ts'],
  },
  session: {
    sources: ['sidecar/src/session/*.ts'],
    tests: [
      'sidecar/test/{session,authorize}/*.test.ts',
      'sidecar/test/contract/session-registry.test.ts',
    ],
    leftOut: /^the session registry in (?!memory)/,
  },
  'sign-in': room('sign-in'),
  revocation: room('revocation'),
  policy: room('policy'),
  authorize: room('authorize'),
  'near-cache': room('near-cache'),
}

/** @returns every mutant of a room, in an order that depends only on its sources */
export function roomMutants(name: string): readonly Mutant[] {
  return expand(roomOf(name).sources).flatMap((file) =>
    mutantsOf(file, readFileSync(join(HOME, file), 'utf8')),
  )
}

/** @returns files of tests, relative to the repository */
export function roomTests(name: string): readonly string[] {
  return expand(roomOf(name).tests)
}

/** @param test its name after the names of its suites */
export function isLeftOut(name: string, test: string): boolean {
  return roomOf(name).leftOut?.test(test) ?? false
}

function roomOf(name: string): Room {
  const found = ROOMS[name]
  if (found === undefined)
    throw new Error(`\`${name}\` is none of ${Object.keys(ROOMS).join(', ')}`)
  return found
}

function room(name: string): Room {
  return { sources: [`sidecar/src/${name}/*.ts`], tests: [`sidecar/test/${name}/*.test.ts`] }
}

function expand(patterns: readonly string[]): readonly string[] {
  return patterns.flatMap((pattern) => globSync(pattern, { cwd: HOME }).sort())
}
