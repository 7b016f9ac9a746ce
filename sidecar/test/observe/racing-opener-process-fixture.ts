import { closeSync, writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { openForAppending } from '../../src/observe/append-file.ts'
import type { Race } from './append-file.test.ts'

const { arrivals, files, openers, line } = workerData as Race
const failures: string[] = []
for (const [round, file] of files.entries()) {
  Atomics.add(arrivals, 0, 1)
  while (Atomics.load(arrivals, 0) < (round + 1) * openers); // sleep would be too late
  try {
    const fd = openForAppending(file)
    writeSync(fd, line)
    closeSync(fd)
  } catch (error) {
    failures.push(String(error))
  }
}
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(failures)
