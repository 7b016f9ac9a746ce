import { relative } from 'node:path/posix'

/** A folder of `sidecar/src`. */
interface Room {
  readonly name: string
  /** Files compute only: no clock, process, network or file system. */
  readonly isPure?: true
  /**
   * The rooms whose functions a file may call. Of every other room below, a file imports types
   * alone: the part is a collaborator. Without `calls` a file may call all rooms below.
   */
  readonly calls?: readonly string[]
}

/**
 * The rooms from bottom to top. A file imports its own room and the rooms before it, and never a
 * room after it.
 */
export const ROOMS: readonly Room[] = [
  { name: 'domain', isPure: true },
  { name: 'fcgi' },
  { name: 'http', isPure: true, calls: ['domain'] },
  { name: 'credential', isPure: true, calls: ['domain'] },
  { name: 'upstream', isPure: true, calls: ['domain'] },
  { name: 'verify', isPure: true, calls: ['domain'] },
  { name: 'session', isPure: true, calls: ['domain'] },
  { name: 'revocation', isPure: true, calls: ['domain'] },
  { name: 'policy', isPure: true, calls: ['domain'] },
  { name: 'sign-in', isPure: true, calls: ['domain', 'http', 'verify'] },
  { name: 'authorize', isPure: true, calls: ['domain', 'http', 'credential', 'policy'] },
  { name: 'responder', calls: ['domain', 'http', 'session', 'authorize'] },
  {
    name: 'responder/pages',
    calls: ['domain', 'http', 'session', 'sign-in', 'authorize', 'responder'],
  },
  { name: 'store', isPure: true },
  { name: 'near-cache', isPure: true },
  { name: 'adapters/jwks' },
  { name: 'adapters/redis' },
  { name: 'adapters' },
  { name: 'config' },
  { name: 'observe' },
  { name: 'wiring' },
  { name: 'processes' },
  { name: 'cli' },
  { name: '' }, // main.ts
]

const IMPURE_GLOBALS = [
  'Date',
  'process',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'performance',
]
const IMPURE_MODULES = /^node:(?:fs|net|http|https|tls|dns|timers|child_process|process)(?:\/.*)?$/

/** A section of `overrides` in an oxlint configuration. */
interface LintSection {
  readonly files: string[]
  readonly rules: Readonly<Record<string, unknown>>
}

/** A section per room, with the imports and globals that the room is denied. */
export function roomSections(): LintSection[] {
  return ROOMS.map((room, at) => ({
    files: [`sidecar/src/${room.name === '' ? '' : `${room.name}/`}*.ts`],
    rules: {
      'no-restricted-imports': ['error', { patterns: deniedImports(room, at) }],
      ...(room.isPure ? { 'no-restricted-globals': ['error', ...IMPURE_GLOBALS] } : {}),
    },
  }))
}

function deniedImports(room: Room, at: number): readonly object[] {
  const below = ROOMS.slice(0, at).map(({ name }) => name)
  const above = ROOMS.slice(at + 1).map(({ name }) => name)
  const { calls = below } = room
  const typesOnly = below.filter((name) => !calls.includes(name))
  const depth = room.name === '' ? 0 : room.name.split('/').length
  return [
    ...(above.length === 0
      ? []
      : [{ regex: filesOf(room.name, above), message: 'this room is above: tools/rooms.ts' }]),
    ...(typesOnly.length === 0
      ? []
      : [
          {
            regex: filesOf(room.name, typesOnly),
            allowTypeImports: true,
            message: 'only types of this room: take the part as a collaborator (tools/rooms.ts)',
          },
        ]),
    {
      regex: String.raw`^(?:\.\./){${depth + 1}}(?:test|bench|\.\.)/|[^./]/\.\./`,
      message: 'src imports nothing outside of src',
    },
    ...(room.isPure ? [{ regex: IMPURE_MODULES.source, message: 'a pure room does no I/O' }] : []),
  ]
}

/** @returns a pattern of the import specifiers that name a file of `rooms` from a file of `from` */
function filesOf(from: string, rooms: readonly string[]): string {
  const folders = rooms.map((room) => {
    const path = relative(`/${from}`, `/${room}`)
    return (path.startsWith('.') ? path : `./${path}`).replaceAll('.', String.raw`\.`)
  })
  return `^(?:${folders.join('|')})/[^/]+$`
}
