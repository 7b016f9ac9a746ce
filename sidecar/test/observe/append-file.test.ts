import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { appendProblem, openForAppending } from '../../src/observe/append-file.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brickgate-append-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

it('a log is made where it is not there, and kept where it is', () => {
  const file = join(folder, 'log')
  writeSync(openForAppending(file), 'a')
  writeSync(openForAppending(file), 'b')
  expect(readFileSync(file, 'utf8')).toBe('ab')
})

it('a log that can be written or made is no problem, and the look at it makes nothing', () => {
  const file = join(folder, 'log')
  expect(appendProblem(file)).toBeNull()
  expect(() => readFileSync(file)).toThrow('ENOENT')
  writeFileSync(file, '')
  expect(appendProblem(file)).toBeNull()
})

it('a log that cannot be made is a problem', () => {
  const file = join(folder, 'no-such/log')
  expect(appendProblem(file)).toBe(`\`${file}\` cannot be made (ENOENT)`)
})

it('a log that two threads make at the same moment is appended to by both', async () => {
  const files = Array.from({ length: 100 }, (_, at) => join(folder, `log-${at}`))
  const arrivals = new Int32Array(new SharedArrayBuffer(4))
  const failures = await Promise.all(
    ['a', 'b'].map((line) => openAll({ files, arrivals, openers: 2, line })),
  )
  expect(failures).toEqual([[], []])
  const contents = files.map((file) => readFileSync(file, 'utf8'))
  expect(contents.filter((content) => content !== 'ab' && content !== 'ba')).toEqual([])
})

it.each([
  ['a folder', (file: string) => mkdirSync(file), 'EISDIR'],
  ['a link to nothing', (file: string) => symlinkSync(`${file}-gone`, file), 'ENOENT'],
  ['a pipe that nobody reads', (file: string) => execFileSync('mkfifo', [file]), 'ENXIO'],
])('%s in place of a log is a problem, holds nobody up and stays', (_name, make, code) => {
  const file = join(folder, 'log')
  make(file)
  expect(appendProblem(file)).toBe(`\`${file}\` cannot be written (${code})`)
  expect(() => openForAppending(file)).toThrow(code)
  expect(readdirSync(folder)).toEqual(['log'])
})

/** A race of threads: each opens every file at the same moment as the others. */
export interface Race {
  readonly files: readonly string[]
  /** shared counter of threads that have begun a file */
  readonly arrivals: Int32Array
  readonly openers: number
  readonly line: string
}

/** @returns failures in a separate thread */
async function openAll(race: Race): Promise<unknown> {
  const worker = new Worker(join(import.meta.dirname, 'racing-opener-process-fixture.ts'), {
    workerData: race,
    execArgv: [],
  })
  const [failures] = await once(worker, 'message')
  return failures
}
