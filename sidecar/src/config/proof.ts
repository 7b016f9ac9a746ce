import { readFileSync } from 'node:fs'
import { ConfigError } from './config-error.ts'

const PROOF = /^[0-9a-f]{64}$/

/**
 * Reads the deployment's proof: 256 bits as 64 hex digits a line, the current one first. A second line
 * holds the previous one, which the gate and the egress accept during a rotation.
 *
 * @returns the current value
 * @throws {ConfigError} when the file is missing or a line is anything else
 */
export function readProof(file: string): string {
  const lines = readLines(file)
  const current = lines[0]
  if (current === undefined || lines.length > 2 || !lines.every((line) => PROOF.test(line))) {
    throw new ConfigError(file, [
      { path: 'runtime.proof_file', message: 'must hold one or two lines of 64 hex digits' },
    ])
  }
  return current
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n')
  } catch {
    throw new ConfigError(file, [{ path: 'runtime.proof_file', message: 'cannot be read' }])
  }
}
