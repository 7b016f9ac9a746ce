import { createHmac } from 'node:crypto'
import { readText } from './read-yaml.ts'

const PROOF = /^[0-9a-f]{64}$/

/**
 * HMAC of the proof, sent with an allow. The gate derives the same value. The proof itself, which
 * opens the egress, is never sent.
 *
 * @param proof as `readProof` returns it
 * @returns HMAC-SHA-256 (RFC 2104), 64 hex digits
 */
export function macOfAllow(proof: string): string {
  return createHmac('sha256', proof).update('brickgate allow').digest('hex')
}

/**
 * Reads the deployment's proof: 256 bits as 64 hex digits per line, the current proof first. A
 * second line has the previous proof, which the gate and the egress accept during a rotation.
 *
 * @returns the current proof
 * @throws {Error} without repeating the line when the file is missing or a line has another form
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
