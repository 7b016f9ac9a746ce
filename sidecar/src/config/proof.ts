import { createHmac } from 'node:crypto'
import { readText } from './read-yaml.ts'

const PROOF = /^[0-9a-f]{64}$/

/**
 * What an allow carries: not the proof, which opens the egress, but what the gate can make of it, too. So
 * nobody learns by asking for an allow what would let them pass by the gate.
 *
 * @param proof as `readProof` gives it
 * @returns HMAC-SHA-256 (RFC 2104), 64 hex digits
 */
export function proofOfAllow(proof: string): string {
  return createHmac('sha256', proof).update('brickgate allow').digest('hex')
}

/**
 * Reads the deployment's proof: 256 bits as 64 hex digits a line, the current one first. A second line
 * holds the previous one, which the gate and the egress accept during a rotation.
 *
 * @returns the current value
 * @throws {Error} when the file is missing or a line is anything else; it does not repeat the line
 */
export function readProof(file: string): string {
  const text = readText(file)
  if (text === null) throw new Error(`\`${file}\` cannot be read`)
  const lines = text.replace(/\n$/, '').split('\n')
  const [current] = lines
  if (current === undefined || lines.length > 2 || !lines.every((line) => PROOF.test(line))) {
    throw new Error('must hold one or two lines of 64 hex digits')
  }
  return current
}
