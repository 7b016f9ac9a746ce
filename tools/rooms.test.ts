import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path/posix'
import { describe, expect, it } from 'vitest'
import { ROOMS } from './rooms.ts'

const HOME = join(import.meta.dirname, '..')
const SOURCES = globSync('**/*.ts', { cwd: join(HOME, 'sidecar/src') })

/** A file of one room, and whether the linter must refuse the file. */
interface Probe {
  readonly room: string
  readonly about: string
  readonly text: string
  readonly isRefused: boolean
}

describe('the list of rooms', () => {
  it('the list of rooms has every folder of sidecar/src once', () => {
    const folders = new Set(SOURCES.map(roomOf))
    expect(ROOMS.map(({ name }) => name).sort()).toEqual([...folders].sort())
  })

  it('each folder of tests is named after a room, or holds contracts or support', () => {
    const folders = new Set(globSync('**/*.ts', { cwd: join(HOME, 'sidecar/test') }).map(roomOf))
    const others = [...folders].filter((folder) => heightOf(folder) < 0)
    expect(others.sort()).toEqual(['contract', 'support'])
  })

  it('the list lets a room call only rooms below it', () => {
    const wrong = ROOMS.flatMap(({ calls = [] }, at) =>
      calls.filter((name) => heightOf(name) < 0 || heightOf(name) >= at),
    )
    expect(wrong).toEqual([])
  })

  it('the table in docs/architecture.md has the rooms in their order, and marks the pure ones', () => {
    const document = readFileSync(join(HOME, 'docs/architecture.md'), 'utf8')
    const [, section = ''] = document.split('\n## Rooms\n')
    const [table = ''] = section.split('\n## ')
    const rows = [...table.matchAll(/^\| \[([^\]]+)\]\([^)]*\) \| .* \| (yes)? ?\|$/gm)]
    expect(rows.map(([, name, pure]) => [name, pure === 'yes'])).toEqual(
      ROOMS.map(({ name, isPure = false }) => [name === '' ? 'main.ts' : `${name}/`, isPure]),
    )
  })

  it('no dynamic import leads upwards, where the linter does not look', () => {
    const upwards = SOURCES.flatMap((file) => {
      const text = readFileSync(join(HOME, 'sidecar/src', file), 'utf8')
      return [...text.matchAll(/import\('(\.[^']*)'\)/g)]
        .map(([, path = '']) => join(dirname(file), path))
        .filter((target) => heightOf(roomOf(target)) > heightOf(roomOf(file)))
        .map((target) => `${file} loads ${target}`)
    })
    expect(upwards).toEqual([])
  })
})

describe('the linter', () => {
  const probes = ROOMS.flatMap((_room, at) => [
    ...ROOMS.flatMap((_other, other) => (other === at ? [] : importsBetween(at, other))),
    ...importsElsewhere(at),
    ...impurities(at),
  ])
  const refused = lint(probes)

  it.each(ROOMS.map(({ name }) => name))('the linter holds room `%s` to its list', (room) => {
    const wrong = probes.filter(
      (probe, index) => probe.room === room && refused.has(index) !== probe.isRefused,
    )
    expect(wrong.map(({ about }) => about)).toEqual([])
  })
})

/** A function and a type of another room. */
function importsBetween(at: number, other: number): readonly Probe[] {
  const [from, to] = [ROOMS[at], ROOMS[other]]
  if (from === undefined || to === undefined) throw new RangeError('no such room')
  const room = from.name
  const folder = relative(`/${room}`, `/${to.name}`)
  const specifier = `${folder.startsWith('.') ? folder : `./${folder}`}/probe.ts`
  const isAbove = other > at
  const isCallable = !isAbove && (from.calls?.includes(to.name) ?? true)
  const text = `import type { Probe } from '${specifier}'\n\nexport type Used = Probe\n`
  return [
    { text: importOf(specifier), room, about: `a function of ${to.name}`, isRefused: !isCallable },
    { text, room, about: `a type of ${to.name}`, isRefused: isAbove },
  ]
}

function importsElsewhere(at: number): readonly Probe[] {
  const room = ROOMS[at]?.name ?? ''
  const sidecar = relative(`/src/${room}`, '/')
  return [
    { text: importOf('./other.ts'), room, about: 'a file beside it', isRefused: false },
    ...[
      `${sidecar}/test/support/probe.ts`,
      `${sidecar}/../launch/probe.ts`,
      `${sidecar}/src/domain/../cli/probe.ts`,
    ].map((path) => ({ text: importOf(path), room, about: path, isRefused: true })),
  ]
}

function importOf(specifier: string): string {
  return `import { probe } from '${specifier}'\n\nexport const used = probe\n`
}

function impurities(at: number): readonly Probe[] {
  const { name: room = '', isPure: isRefused = false } = ROOMS[at] ?? {}
  return [
    "import { readFileSync } from 'node:fs'\n\nexport const used = readFileSync\n",
    "import { setTimeout as wait } from 'node:timers/promises'\n\nexport const used = wait\n",
    'export const used = (): number => Date.now()\n',
    'export const used = (): unknown => setTimeout(() => undefined, 1)\n',
    "export const used = (): unknown => fetch('https://example.com')\n",
    'export const used = (): unknown => process.env\n',
  ].map((text) => ({ room, about: text, text, isRefused }))
}

/** @returns the indices of the probes in which the linter, as configured here, found a fault */
function lint(probes: readonly Probe[]): ReadonlySet<number> {
  const folder = mkdtempSync(join(tmpdir(), 'rooms-'))
  try {
    copyFileSync(join(HOME, 'oxlint.config.ts'), join(folder, 'oxlint.config.ts'))
    for (const name of ['node_modules', 'package.json', 'tools']) {
      symlinkSync(join(HOME, name), join(folder, name))
    }
    for (const [index, { room, text }] of probes.entries()) {
      mkdirSync(join(folder, 'sidecar/src', room), { recursive: true })
      writeFileSync(join(folder, 'sidecar/src', room, `probe-${index}.ts`), text)
    }
    const program = join(HOME, 'node_modules/oxlint/bin/oxlint')
    const args = [program, '--format', 'json', 'sidecar']
    const { stdout } = spawnSync(process.execPath, args, {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    })
    const report: { diagnostics: { filename: string }[] } = JSON.parse(stdout)
    const names = report.diagnostics.map(({ filename }) => /probe-(\d+)\.ts$/.exec(filename)?.[1])
    return new Set(names.map(Number))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** @param file below `sidecar/src` */
function roomOf(file: string): string {
  return dirname(file).replace(/^\.$/, '')
}

function heightOf(room: string): number {
  return ROOMS.findIndex(({ name }) => name === room)
}
