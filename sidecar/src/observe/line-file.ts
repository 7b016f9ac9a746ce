import { write, writeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

/** Appends lines to an open file without waiting, and holds a bounded number of bytes. */
export interface LineFile {
  /**
   * @param line with its line end; usually written in one write together with waiting lines
   * @returns false when too much waits already and the line is lost
   */
  append(line: string): boolean
  /** writes the waiting lines once, at the end of the process */
  flush(): void
}

export interface LineFileDeps {
  /** opened for appending */
  readonly fd: number
  readonly maxWaitingBytes: number
  /** called once each time writing begins to fail, and when a flush fails */
  readonly onFailing: (error: unknown) => void
}

const RETRY_AFTER_MS = 250
const writeTo = promisify(write)

export function createLineFile({ fd, maxWaitingBytes, onFailing }: LineFileDeps): LineFile {
  let waiting: Buffer[] = []
  let waitingBytes = 0 // including bytes that are being written
  let isWriting = false
  let isFailing = false

  return {
    append(line) {
      const bytes = Buffer.from(line)
      if (waitingBytes + bytes.length > maxWaitingBytes) return false
      waiting.push(bytes)
      waitingBytes += bytes.length
      if (!isWriting) void writeAll()
      return true
    },
    flush() {
      const chunk = take()
      waitingBytes -= chunk.length
      try {
        for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at)
      } catch (error) {
        onFailing(error)
      }
    },
  }

  function take(): Buffer {
    const taken = Buffer.concat(waiting)
    waiting = []
    return taken
  }

  async function writeAll(): Promise<void> {
    isWriting = true
    while (waiting.length > 0) {
      const chunk = take()
      const written = await attempt(chunk)
      waitingBytes -= written
      if (written < chunk.length) waiting.unshift(chunk.subarray(written))
      if (written === 0) await pause(RETRY_AFTER_MS, undefined, { ref: false })
    }
    isWriting = false
  }

  /** @returns the number of written bytes */
  async function attempt(chunk: Buffer): Promise<number> {
    try {
      const { bytesWritten } = await writeTo(fd, chunk)
      isFailing = false
      return bytesWritten
    } catch (error) {
      // a full pipe (EAGAIN) is reported like a full disk
      if (!isFailing) onFailing(error)
      isFailing = true
      return 0
    }
  }
}
