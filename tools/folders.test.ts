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
import { expect, it } from 'vitest'
import { FOLDERS } from './folders.ts'

const HOME = join(import.meta.dirname, '..')
const EXCEPTION = /^ *\/[/*] oxlint-disable.*\bno-restricted-imports\b.*\n *(.*)/gm
const ALL = ['launch', 'demo', 'integration'] as const

const probes = [...FOLDERS, { path: 'integration', forbidden: [] }].flatMap(({ path, forbidden }) =>
  ALL.filter((to) => to !== path).flatMap((to) =>
    (['static', 'dynamic'] as const).map((how) => ({
      path,
      to,
      how,
      isForbidden: forbidden.some((folder) => folder === to),
    })),
  ),
)
const refused = lint()

it.each(probes)('a $how import from $path/ of $to/ fails the lint: $isForbidden', (probe) => {
  expect(refused.has(fileOf(probe))).toBe(probe.isForbidden)
})

it('launch/up.ts alone has an exception from the rule, once, for the demo', () => {
  const files = globSync('{launch,demo,tools,sidecar}/**/*.ts', { cwd: HOME })
  const exceptions = files.flatMap((file) =>
    [...readFileSync(join(HOME, file), 'utf8').matchAll(EXCEPTION)].map(([, next]) => [file, next]),
  )
  expect(exceptions).toEqual([
    ['launch/up.ts', "const { startPrintedDemo } = await import('../demo/up.ts')"],
  ])
})

/** @returns the probe files in which the linter finds a fault */
function lint(): ReadonlySet<string> {
  const home = mkdtempSync(join(tmpdir(), 'brickgate-folders-'))
  try {
    copyFileSync(join(HOME, 'oxlint.config.ts'), join(home, 'oxlint.config.ts'))
    for (const name of ['node_modules', 'package.json']) {
      symlinkSync(join(HOME, name), join(home, name))
    }
    mkdirSync(join(home, 'tools'))
    for (const name of globSync('*.ts', { cwd: join(HOME, 'tools') })) {
      symlinkSync(join(HOME, 'tools', name), join(home, 'tools', name))
    }
    for (const probe of probes) writeProbe(home, probe)
    const oxlint = join(HOME, 'node_modules/oxlint/bin/oxlint')
    const args = [oxlint, '--format', 'json', ...new Set(probes.map(fileOf))]
    const { stdout } = spawnSync(process.execPath, args, { cwd: home, encoding: 'utf8' })
    const report: { diagnostics: { filename: string }[] } = JSON.parse(stdout)
    return new Set(report.diagnostics.map(({ filename }) => filename))
  } finally {
    rmSync(home, { recursive: true })
  }
}

interface Probe {
  readonly path: string
  readonly to: string
  readonly how: 'static' | 'dynamic'
}

function fileOf({ path, to, how }: Probe): string {
  return `${path}/below/${how}-${to}.ts`
}

function writeProbe(home: string, probe: Probe): void {
  const { how } = probe
  const file = fileOf(probe)
  const target = relative(dirname(file), `${probe.to}/probe.ts`)
  mkdirSync(dirname(join(home, file)), { recursive: true })
  writeFileSync(
    join(home, file),
    how === 'static'
      ? `import { probe } from '${target}'\n\nexport const used = probe\n`
      : `export const used = import('${target}')\n`,
  )
}
