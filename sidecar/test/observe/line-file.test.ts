import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLineFile, type LineFile } from '../../src/observe/line-file.ts'

/** For a shared disk. */
const SOON = { timeout: 5000 }

let directory: string
let file: string
let failures: unknown[]
const opened: number[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brickgate-lines-'))
  file = join(directory, 'lines')
  failures = []
})

afterEach(() => {
  for (const fd of opened.splice(0)) closeSync(fd)
  rmSync(directory, { recursive: true })
})

describe('a line file', () => {
  it('has the lines in their order, without a flush', async () => {
    const lines = lineFile(open('a'))
    for (let number = 0; number < 1000; number++) lines.append(`${number}\n`)
    const expected = Array.from({ length: 1000 }, (_, number) => `${number}\n`).join('')
    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe(expected), SOON)
  })

  it('has everything after a flush, at once', async () => {
    const lines = lineFile(open('a'))
    for (let number = 0; number < 10; number++) lines.append(`${number}\n`)
    lines.flush()
    lines.flush()
    const found = (): readonly string[] => readFileSync(file, 'utf8').split('\n')
    expect(found()).toEqual(expect.arrayContaining(['1', '2', '9']))
    // the first write has begun and may end last: in the next test's file, if this test ends before
    await vi.waitFor(() => expect(found()).toContain('0'), SOON)
  })

  it('writes what is not ASCII as UTF-8, and counts it in bytes', async () => {
    const lines = lineFile(open('a'), 10)
    expect(lines.append('€€€\n')).toBe(true) // 10 bytes
    expect(lines.append('\n')).toBe(false)
    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe('€€€\n'), SOON)
  })

  it('loses a line beyond the bound, and takes the next once there is room', async () => {
    const lines = lineFile(open('a'), 100)
    const line = `${'x'.repeat(59)}\n`
    expect([lines.append(line), lines.append(line)]).toEqual([true, false])
    await vi.waitFor(() => expect(lines.append(line)).toBe(true), SOON)
    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe(line + line), SOON)
  })
})

describe('a file that takes nothing', () => {
  it('is told of once, however many lines wait, and a flush gives up', async () => {
    const lines = lineFile(openSync('/dev/full', 'a'))
    for (let number = 0; number < 10; number++) lines.append(`${number}\n`)
    await vi.waitFor(() => expect(failures).toMatchObject([{ code: 'ENOSPC' }]), SOON)
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(failures).toHaveLength(1)
    lines.flush()
    expect(failures).toHaveLength(2)
  })

  it('gets all that waited, in order and once, when it takes something again', async () => {
    execFileSync('mkfifo', [file])
    const { O_RDWR, O_NONBLOCK } = constants
    const fd = open(O_RDWR | O_NONBLOCK)
    const lines = lineFile(fd)
    let expected = ''
    for (let number = 0; number < 300; number++) {
      const line = `${number} ${'x'.repeat(1000)}\n`
      expected += line
      lines.append(line)
      if (number % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await vi.waitFor(() => expect(failures).toMatchObject([{ code: 'EAGAIN' }]), SOON)

    let received = ''
    await vi.waitFor(
      () => {
        received += readAll(fd)
        expect(received.length).toBe(expected.length)
      },
      { timeout: 10_000, interval: 20 },
    )
    expect(received).toBe(expected)
  })
})

function open(flags: string | number): number {
  const fd = openSync(file, flags)
  opened.push(fd)
  return fd
}

function lineFile(fd: number, maxWaitingBytes = 1_000_000): LineFile {
  return createLineFile({ fd, maxWaitingBytes, onFailing: (error) => failures.push(error) })
}

/** The bytes that a pipe holds now. */
function readAll(fd: number): string {
  const chunk = Buffer.alloc(256 * 1024)
  try {
    return chunk.toString('utf8', 0, readSync(fd, chunk))
  } catch {
    return '' // empty (EAGAIN)
  }
}
