import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { HOME } from '../../launch/gateway.ts'
import { docker, whyNoEngine } from './docker.ts'
import { IMAGES } from './images.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly containers: Containers
  }
}

/** Provided to the tests in containers. */
export interface Containers {
  /** why they are skipped, or null */
  readonly missing: string | null
  /** where running projects are noted, for the next test file to find */
  readonly folder: string
  /** is there once the images are made or could not be; holds what went wrong */
  readonly imagesNote: string
}

/**
 * Makes every image while the tests of other projects run; `images-made.ts` waits for them. Ends
 * the projects that tests left running.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const missing = await whyNoEngine()
  const home = mkdtempSync(join(tmpdir(), 'brickgate-compose-'))
  const [folder, imagesNote] = [join(home, 'projects'), join(home, 'images')]
  mkdirSync(folder)
  project.provide('containers', { missing, folder, imagesNote })
  if (missing !== null) {
    process.stderr.write(`tests in containers are skipped: ${missing}\n`)
    return async () => rmSync(home, { recursive: true })
  }
  const noted = makeImages().then(
    () => note(imagesNote, ''),
    (problem) => note(imagesNote, String(problem)),
  )
  return async () => {
    await noted
    // the last first: it uses what is the first one's
    for (const name of readdirSync(folder).sort().toReversed()) await endProject(name)
    rmSync(home, { recursive: true })
  }
}

async function makeImages(): Promise<void> {
  await promisify(execFile)(join(HOME, 'launch/make-images.sh'), [...IMAGES.bases])
  const { BRICKGATE_BUILD_NETWORK = 'host' } = process.env
  await docker(['compose', '--project-directory', HOME, '--profile', 'demo', 'build', '--quiet'], {
    ...IMAGES.environment,
    BRICKGATE_BUILD_NETWORK,
  })
}

/** The file is there with all that it holds, or not at all. */
function note(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

async function endProject(name: string): Promise<void> {
  const containers = await docker(['ps', '--all', '--quiet', ...ofProject(name)])
  const ids = containers.split('\n').filter((id) => id !== '')
  if (ids.length > 0) await docker(['rm', '--force', '--volumes', ...ids])
  for (const kind of ['network', 'volume'] as const) {
    const left = await docker([kind, 'ls', '--quiet', ...ofProject(name)])
    for (const id of left.split('\n').filter((one) => one !== '')) await docker([kind, 'rm', id])
  }
}

function ofProject(name: string): readonly string[] {
  return ['--filter', `label=com.docker.compose.project=${name}`]
}
