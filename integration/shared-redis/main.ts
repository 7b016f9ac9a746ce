import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { runDirectory } from '../../launch/deployment.ts'
import { HOME } from '../../launch/gateway.ts'
import { type FaultReport, soakFaults, soakRevocations } from './soak.ts'

const AMOUNT = { requestsPerSecond: 500, revocations: 300, seconds: 60, commandEvery: 11 }

const revocations = await soakRevocations(AMOUNT, print)
const faults = await soakFaults(print)
const directory = runDirectory(HOME)
const file = join(directory, 'soak.json')
const machine = { processors: availableParallelism(), load_average: loadavg() }
mkdirSync(directory, { recursive: true })
writeFileSync(file, `${JSON.stringify({ ...machine, revocations, faults }, null, 2)}\n`)
print(`report: ${file}`)
process.exitCode = [revocations, ...faults].every(isRight) ? 0 : 1

function isRight(report: Pick<FaultReport, 'late_allows' | 'wrong_answers'>): boolean {
  return report.late_allows.length + report.wrong_answers.length === 0
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
