import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, lchownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** An account of the system, by a line of passwd(5). */
export interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

/** The account that runs a gateway where the environment names none. */
const USUAL_NAME = 'brickgate'

/**
 * The user that runs root's gateway: the user of `BRICKGATE_USER`, else the caller of sudo, else
 * `brickgate`.
 *
 * @throws {Error} with a remedy, when the user does not exist or is root
 */
export function userOfGateway(environment: NodeJS.ProcessEnv): User {
  const { BRICKGATE_USER: named, SUDO_USER: caller } = environment
  const isCalled = caller !== undefined && caller !== 'root'
  const name = named || (isCalled ? caller : USUAL_NAME)
  const user = userBy(name)
  if (user !== null && user.uid !== 0) return user
  const why = user === null ? `there is no user \`${name}\`` : `\`${name}\` is root`
  throw new Error(
    `brickgate: root runs a configured gateway as another user, and ${why}: ` +
      `name one in BRICKGATE_USER, or make one by \`useradd --system --user-group ${USUAL_NAME}\``,
  )
}

/**
 * @param key a name or a number
 * @returns null when the system has no such user
 */
export function userBy(key: string): User | null {
  try {
    const line = execFileSync('getent', ['passwd', '--', key], { encoding: 'utf8' })
    const [name = '', , uid, gid, , home = '/'] = line.trim().split(':')
    return { name, uid: Number(uid), gid: Number(gid), home }
  } catch {
    return null // getent ends with 2
  }
}

/**
 * The owner of a folder; a number is the name of an owner without a name. Null for a missing folder
 * and for root's.
 */
export function ownerOf(folder: string): User | null {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  if (found === undefined || found.uid === 0) return null
  const { uid, gid } = found
  return userBy(String(uid)) ?? { name: String(uid), uid, gid, home: '/' }
}

/**
 * Gives root's folder to a user, with all its content.
 *
 * INVARIANT: the folder is closed to all but root until its content has the new owner. Otherwise a
 * user could replace a file by a link, and would become the owner of the link's target.
 */
export function handOver(folder: string, user: User): void {
  chmodSync(folder, 0o700)
  giveAway(folder, user)
  chmodSync(folder, 0o750)
}

/** Changes the owner of content before its folder; of a link, never of its target. */
function giveAway(path: string, user: User): void {
  if (lstatSync(path).isDirectory()) {
    for (const name of readdirSync(path)) giveAway(join(path, name), user)
  }
  lchownSync(path, user.uid, user.gid)
}

/**
 * Makes missing folders that the user could not make. In a parent that is not root's, no folder is
 * made: root never writes into another user's folder.
 */
export function makeFolders(folders: readonly string[], user: User): void {
  for (const folder of folders) {
    if (existsSync(folder) || lstatSync(nearestParent(folder)).uid !== 0) continue
    const first = mkdirSync(folder, { recursive: true })
    if (first !== undefined) handOver(first, user)
  }
}

function nearestParent(path: string): string {
  const parent = dirname(path)
  return existsSync(parent) ? parent : nearestParent(parent)
}

/**
 * Runs this process' program once more as the user, without the rights of root except, on demand,
 * the right to listen on ports below 1024.
 *
 * @returns its exit code
 */
export function runAgainAs(user: User, maySeizePorts: boolean): number {
  const kept = maySeizePorts ? '-all,+net_bind_service' : '-all'
  const drop = [...idsOf(user), '--no-new-privs']
  const capabilities = ['--bounding-set', kept, '--inh-caps', kept, '--ambient-caps', kept]
  const program = [process.execPath, ...process.argv.slice(1)]
  const { status, error } = spawnSync('setpriv', [...drop, ...capabilities, ...program], {
    stdio: 'inherit',
    env: { ...process.env, HOME: user.home, USER: user.name },
  })
  if (error !== undefined) throw error
  return status ?? 1
}

/** Rights of a user to a file, by the operators of `test(1)`. */
const RIGHTS = { '-r': 'cannot read', '-w': 'cannot write', '-O': 'does not own' } as const

/** @returns a sentence for each file or folder to which the user lacks the right */
export function missingRights(
  right: keyof typeof RIGHTS,
  files: readonly string[],
  user: User,
): string[] {
  return files
    .filter((file) => spawnSync('setpriv', [...idsOf(user), 'test', right, file]).status !== 0)
    .map((file) => `user \`${user.name}\` ${RIGHTS[right]} \`${file}\``)
}

/** Words of setpriv(1). */
function idsOf({ uid, gid }: User): readonly string[] {
  const groups = userBy(String(uid)) === null ? '--clear-groups' : '--init-groups'
  return ['--reuid', String(uid), '--regid', String(gid), groups]
}
