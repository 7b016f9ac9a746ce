import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { handOver, makeFolders, missingRights, ownerOf, userBy, userOfGateway } from './user.ts'

const OTHER = { name: 'nobody', uid: 65_534, gid: 65_534, home: '/nonexistent' }

describe('the user whom root runs a gateway as', () => {
  it.each([
    [
      'is the one that BRICKGATE_USER names',
      { BRICKGATE_USER: 'nobody', SUDO_USER: 'daemon' },
      'nobody',
    ],
    ['is else the caller of sudo', { SUDO_USER: 'daemon' }, 'daemon'],
  ])('the user whom root runs a gateway as %s', (_which, environment, name) => {
    expect(userOfGateway(environment)).toEqual(userBy(name))
  })

  it.each([
    ['root by name', { BRICKGATE_USER: 'root' }, '`root` is root'],
    ['root by number', { BRICKGATE_USER: '0' }, '`0` is root'],
    [
      'nobody whom the system knows',
      { BRICKGATE_USER: 'no-such-user' },
      'there is no user `no-such-user`',
    ],
    ['an option of a program', { BRICKGATE_USER: '--help' }, 'there is no user `--help`'],
  ])('the user whom root runs a gateway as is never %s', (_who, environment, why) => {
    expect(() => userOfGateway(environment)).toThrow(
      `brickgate: root runs a configured gateway as another user, and ${why}: name one in BRICKGATE_USER`,
    )
  })

  it.skipIf(userBy('brickgate') !== null).each([{}, { SUDO_USER: 'root' }, { BRICKGATE_USER: '' }])(
    'root is told to make a user where nothing names one and there is no brickgate: %o',
    (environment) => {
      expect(() => userOfGateway(environment)).toThrow('useradd --system --user-group brickgate')
    },
  )
})

const isRoot = process.getuid?.() === 0
if (!isRoot) process.stderr.write('brickgate: not root: what root hands over is not tried\n')

describe.skipIf(!isRoot)(`root${isRoot ? '' : ' (this is not)'}`, () => {
  it('root gives a folder away with all that is in it, and nothing that a link names', () => {
    const folder = emptyFolder()
    const [given, kept] = [join(folder, 'run'), join(folder, 'kept')]
    mkdirSync(join(given, 'logs'), { recursive: true })
    mkdirSync(kept)
    writeFileSync(join(kept, 'secret'), '')
    writeFileSync(join(given, 'logs/sidecar.log'), '')
    symlinkSync(kept, join(given, 'link'))
    handOver(given, OTHER)
    for (const name of ['', 'logs', 'logs/sidecar.log', 'link']) {
      expect(lstatSync(join(given, name)), name).toMatchObject({ uid: OTHER.uid, gid: OTHER.gid })
    }
    expect([lstatSync(kept).uid, lstatSync(join(kept, 'secret')).uid]).toEqual([0, 0])
    expect(ownerOf(given)?.name).toBe('nobody')
  })

  it('root makes the folders that a user could not, as that user’s', () => {
    const folder = emptyFolder()
    makeFolders([join(folder, 'a/b'), join(folder, 'a/c'), folder], OTHER)
    const uids = ['a', 'a/b', ''].map((name) => lstatSync(join(folder, name)).uid)
    expect(uids).toEqual([OTHER.uid, OTHER.uid, 0])
    expect(readdirSync(join(folder, 'a'))).toEqual(['b']) // the user may make the other
  })
})

describe.skipIf(!isRoot)(`root as another${isRoot ? '' : ' (this is not root)'}`, () => {
  it('root finds the files that a user cannot read', () => {
    const folder = emptyFolder()
    const [open, closed] = [join(folder, 'open'), join(folder, 'closed')]
    writeFileSync(open, '')
    writeFileSync(closed, '', { mode: 0o600 })
    expect(missingRights('-r', [open, closed], OTHER)).toEqual([
      `user \`nobody\` cannot read \`${closed}\``,
    ])
  })

  it('root goes on as the owner of a folder also where the owner has no name', () => {
    const folder = emptyFolder()
    chownSync(folder, 54_321, 54_322)
    const owner = { name: '54321', uid: 54_321, gid: 54_322, home: '/' }
    expect(ownerOf(folder)).toEqual(owner)
    expect(missingRights('-O', [folder, '/'], owner)).toEqual(['user `54321` does not own `/`'])
  })

  it.each([
    [false, '0000000000000000'],
    [true, '0000000000000400'], // CAP_NET_BIND_SERVICE
  ])(
    'root keeps no right when it goes on as a user, and with low ports (%s) that right',
    (mayBind, rights) => {
      const folder = emptyFolder()
      const script = join(folder, 'script.ts')
      writeFileSync(script, SCRIPT.replace('MAY_BIND', String(mayBind)))
      const { stdout, stderr, status } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toEqual({
        ids: [OTHER.uid, OTHER.gid, [OTHER.gid]],
        home: OTHER.home,
        rights: Object.fromEntries(
          ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => [set, rights]),
        ),
      })
      expect(status).toBe(7)
    },
  )
})

/** Goes on as `OTHER`, prints as whom, and ends with 7. */
const SCRIPT = `
import { readFileSync } from 'node:fs'
import { runAgainAs } from '${join(import.meta.dirname, 'user.ts')}'
if (process.getuid() === 0) process.exitCode = runAgainAs(${JSON.stringify(OTHER)}, MAY_BIND)
else {
  const ids = [process.getuid(), process.getgid(), process.getgroups()]
  const sets = readFileSync('/proc/self/status', 'utf8').matchAll(/^(Cap\\w+):\\t(\\w+)$/gm)
  const rights = Object.fromEntries([...sets].map(([, set, value]) => [set, value]))
  console.log(JSON.stringify({ ids, home: process.env.HOME, rights }))
  process.exitCode = 7
}
`

/** A folder of root that everybody may read, until the test ends. */
function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'brickgate-user-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  chmodSync(folder, 0o755)
  chownSync(folder, 0, 0)
  return folder
}
