import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { watchFiles } from '../../src/processes/file-watch.ts'

let directory: string
let file: string
let changes = 0
let stop: () => void

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  directory = mkdtempSync(join(tmpdir(), 'brickgate-watch-'))
  file = join(directory, 'policy.yaml')
  writeFileSync(file, 'one')
  changes = 0
})

afterEach(() => {
  stop()
  vi.useRealTimers()
  rmSync(directory, { recursive: true })
})

describe('a watched file', () => {
  it.each([
    ['is written', () => writeFileSync(file, 'two')],
    ['is replaced by a rename', () => replace('two')],
    ['goes', () => rmSync(file)],
    ['is emptied', () => writeFileSync(file, '')],
    ['becomes a folder', () => (rmSync(file), mkdirSync(file))],
  ])('that %s is told of within a second, once', (_what, change) => {
    watch([file])
    change()
    vi.advanceTimersByTime(1000)
    expect(changes).toBe(1)
    vi.advanceTimersByTime(10_000)
    expect(changes).toBe(1)
  })

  it.each([
    ['is written with what it held', () => writeFileSync(file, 'one')],
    ['is replaced by its like', () => replace('one')],
    ['is not touched', () => undefined],
  ])('that %s is not told of', (_what, change) => {
    watch([file])
    change()
    vi.advanceTimersByTime(10_000)
    expect(changes).toBe(0)
  })

  it('that changes back and forth within a second is not told of', () => {
    watch([file])
    writeFileSync(file, 'two')
    writeFileSync(file, 'one')
    vi.advanceTimersByTime(1000)
    expect(changes).toBe(0)
  })

  it('that comes is told of', () => {
    const missing = join(directory, 'later')
    watch([file, missing])
    vi.advanceTimersByTime(1000)
    writeFileSync(missing, '')
    vi.advanceTimersByTime(1000)
    expect(changes).toBe(1)
  })

  it('behind a link that is turned to another, as Kubernetes does, is told of', () => {
    const [old, next, link] = ['..old', '..next', 'mounted'].map((name) => join(directory, name))
    for (const folder of [old, next]) mkdirSync(String(folder))
    writeFileSync(join(String(old), 'secret'), 'one')
    writeFileSync(join(String(next), 'secret'), 'two')
    symlinkSync(String(old), String(link))
    watch([join(String(link), 'secret')])
    symlinkSync(String(next), `${link}.new`)
    renameSync(`${link}.new`, String(link))
    vi.advanceTimersByTime(1000)
    expect(changes).toBe(1)
  })
})

it('files that a new configuration names are watched from then on', () => {
  const other = join(directory, 'other')
  writeFileSync(other, 'one')
  const files = [file]
  watch(files)
  files.push(other)
  vi.advanceTimersByTime(1000)
  const before = changes
  writeFileSync(other, 'two')
  vi.advanceTimersByTime(1000)
  expect(changes).toBe(before + 1)
})

it('nothing is told of any more once it is stopped', () => {
  watch([file])
  stop()
  writeFileSync(file, 'two')
  vi.advanceTimersByTime(10_000)
  expect(changes).toBe(0)
})

function watch(files: readonly string[]): void {
  stop = watchFiles(
    () => files,
    () => (changes += 1),
  )
}

function replace(content: string): void {
  writeFileSync(`${file}.new`, content)
  renameSync(`${file}.new`, file)
}
