import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { z } from 'zod'

const HOME = join(import.meta.dirname, '..')

const LOCK = z.object({
  packages: z.record(
    z.string(),
    z.object({ integrity: z.string().optional(), resolved: z.string().optional() }),
  ),
})
const VERSIONS = z.record(z.string(), z.string())
const ASKED = z.object({ dependencies: VERSIONS, devDependencies: VERSIONS })

const { packages } = LOCK.parse(JSON.parse(textOf('package-lock.json')))
const pinned = Object.entries(packages).filter(([path]) => path !== '')

it('every locked package has the SHA-512 of its archive, those of other platforms included', () => {
  expect(pinned.length).toBeGreaterThan(400)
  const digest = /^sha512-[A-Za-z0-9+/]{86}==$/
  const without = pinned.filter(([, { integrity }]) => !digest.test(integrity ?? ''))
  expect(without.map(([path]) => path)).toEqual([])
})

it('no locked package names the host of a registry: each machine has its own', () => {
  expect(pinned.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
})

it('every version that package.json asks for is exact', () => {
  const { dependencies, devDependencies } = ASKED.parse(JSON.parse(textOf('package.json')))
  const asked = Object.entries({ ...dependencies, ...devDependencies })
  expect(asked.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
})

it('npm runs no script of a package that it installs here', () => {
  expect(textOf('.npmrc')).toMatch(/^ignore-scripts=true$/m)
})

function textOf(file: string): string {
  return readFileSync(join(HOME, file), 'utf8')
}
