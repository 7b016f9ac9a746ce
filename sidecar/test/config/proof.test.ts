import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readProof } from '../../src/config/proof.ts'

const CURRENT = 'a1'.repeat(32)
const PREVIOUS = 'b2'.repeat(32)
const MALFORMED = 'must hold one or two lines of 64 hex digits'

let folder: string
let file: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'brickgate-proof-'))
  file = join(folder, 'proof')
})

afterAll(() => rmSync(folder, { recursive: true }))

function read(text: string): string {
  writeFileSync(file, text)
  return readProof(file)
}

describe('the proof is the first of', () => {
  it.each([
    ['one line', `${CURRENT}\n`],
    ['one line without an end', CURRENT],
    ['two lines', `${CURRENT}\n${PREVIOUS}\n`],
    ['two lines without an end', `${CURRENT}\n${PREVIOUS}`],
  ])('%s', (_, text) => {
    expect(read(text)).toBe(CURRENT)
  })
})

describe('there is no proof in a file that lighttpd or HAProxy would not take, such as', () => {
  it.each([
    ['an empty one', ''],
    ['an empty line', '\n'],
    ['63 digits', CURRENT.slice(1)],
    ['65 digits', `${CURRENT}a`],
    ['upper case', CURRENT.toUpperCase()],
    ['other letters', 'g'.repeat(64)],
    ['a space at the end', `${CURRENT} \n`],
    ['a space before', ` ${CURRENT}\n`],
    ['carriage returns', `${CURRENT}\r\n`],
    ['an empty second line', `${CURRENT}\n\n`],
    ['an empty first line', `\n${CURRENT}\n`],
    ['a broken second line', `${CURRENT}\nshort\n`],
    ['three lines', `${CURRENT}\n${PREVIOUS}\n${CURRENT}\n`],
    ['a byte order mark', `\ufeff${CURRENT}\n`],
  ])('%s', (_, text) => {
    expect(() => read(text)).toThrow(new Error(MALFORMED))
  })

  it('none at all', () => {
    const nowhere = join(folder, 'nowhere')
    expect(() => readProof(nowhere)).toThrow(new Error(`\`${nowhere}\` cannot be read`))
    expect(() => readProof(folder)).toThrow(new Error(`\`${folder}\` cannot be read`))
  })
})
