import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openOperatorAudit, ownershipProblem } from '../../src/observe/operator-audit.ts'

const SIDECAR = 10_002
const GROUP = 10_000
const OTHER = 10_001

let folder: string
let log: string
let proof: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brickgate-audit-'))
  mkdirSync(join(folder, 'log'))
  log = join(folder, 'log/audit.log')
  proof = join(folder, 'proof')
  writeFileSync(proof, '')
})

afterEach(() => rmSync(folder, { recursive: true }))

const isRoot = process.getuid?.() === 0
if (!isRoot) process.stderr.write('brickgate: not root: what root leaves behind is not tried\n')

describe.skipIf(!isRoot)(`run by root${isRoot ? '' : ' (this is not)'}`, () => {
  beforeEach(() => {
    chmodSync(folder, 0o755)
    chownSync(join(folder, 'log'), 0, GROUP)
    chmodSync(join(folder, 'log'), 0o3770)
    chownSync(proof, SIDECAR, GROUP)
  })

  it('an audit log that is made belongs to the user of the sidecar, and to the group of its folder', () => {
    openOperatorAudit(log, proof).close()
    expect(statSync(log)).toMatchObject({ uid: SIDECAR, gid: GROUP })
    expect(statSync(log).mode & 0o777).toBe(0o640)
  })

  it('root has its own rights back once the audit log is open', () => {
    const groups = process.getgroups?.()
    openOperatorAudit(log, proof).close()
    expect([process.geteuid?.(), process.getegid?.(), process.getgroups?.()]).toEqual([
      0,
      0,
      groups,
    ])
  })

  it.each([0, OTHER])(
    'an audit log that belongs to user %d is not opened and stays as it is',
    (uid) => {
      writeFileSync(log, '', { mode: 0o640 })
      chownSync(log, uid, GROUP)
      const problem = `\`${log}\` is of user ${uid}, and the sidecar of user ${SIDECAR}`
      expect(ownershipProblem(log, proof)).toBe(problem)
      expect(() => openOperatorAudit(log, proof)).toThrow(problem)
      expect(statSync(log)).toMatchObject({ uid, gid: GROUP, size: 0 })
    },
  )

  it('a link to a file of root in place of an audit log opens nothing', () => {
    const precious = join(folder, 'precious')
    writeFileSync(precious, '', { mode: 0o600 })
    symlinkSync(precious, log)
    expect(() => openOperatorAudit(log, proof)).toThrow(`\`${log}\` is of user 0`)
    expect(statSync(precious)).toMatchObject({ uid: 0, size: 0 })
  })

  it('a link in place of the folder makes no file where the sidecar could make none', () => {
    const [real, link] = [join(folder, 'of-root'), join(folder, 'link')]
    mkdirSync(real, { mode: 0o755 })
    symlinkSync(real, link)
    expect(() => openOperatorAudit(join(link, 'audit.log'), proof)).toThrow('EACCES')
    expect(readdirSync(real)).toEqual([])
  })

  it('a second name of a file of root in place of an audit log opens nothing', () => {
    const precious = join(folder, 'precious')
    writeFileSync(precious, '')
    linkSync(precious, log)
    expect(() => openOperatorAudit(log, proof)).toThrow(`\`${log}\` is of user 0`)
    expect(statSync(precious)).toMatchObject({ uid: 0, size: 0 })
  })

  it('an audit log of the group of another service is a problem, of the sidecar’s none', () => {
    writeFileSync(log, '')
    chmodSync(log, 0o660)
    chownSync(log, 0, OTHER)
    expect(ownershipProblem(log, proof)).not.toBeNull()
    chownSync(log, 0, GROUP)
    expect(ownershipProblem(log, proof)).toBeNull()
  })

  it('an audit log in a folder of another user becomes that user’s', () => {
    chownSync(join(folder, 'log'), OTHER, GROUP)
    openOperatorAudit(log, proof).close()
    expect(statSync(log).uid).toBe(OTHER)
  })
})

it('there is no problem with a file that is not there, or with standard output', () => {
  expect([ownershipProblem(log, proof), ownershipProblem('-', proof)]).toEqual([null, null])
})
