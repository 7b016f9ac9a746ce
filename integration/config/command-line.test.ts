import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { HOME } from '../../launch/gateway.ts'
import { brickgate, run } from '../harness/commands.ts'
import { sharedStack } from '../harness/shared-stack.ts'

const BRICKGATE = join(HOME, 'bin/brickgate')
const EXIT_USAGE = 64

describe('a command line that is not understood ends with 64 and the usage:', () => {
  it.each([
    ['no command', []],
    ['an unknown command', ['start']],
    ['an unknown option', ['version', '--verbose']],
    ['an option without its value', ['serve', '--config']],
    ['a command named like a method', ['constructor']],
  ])('a command line that is not understood ends with 64 and the usage: %s', async (_, args) => {
    const { code, stdout, stderr } = await run(BRICKGATE, args)

    expect(code).toBe(EXIT_USAGE)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^usage: brickgate COMMAND/)
  })
})

describe('a command that is understood', () => {
  it('`config check` says that the running configuration is usable', async () => {
    const { code, stdout, stderr } = await brickgate(sharedStack(), 'config', 'check')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('is usable')
  })

  it('`settings` prints what lighttpd and HAProxy need, and no secret', async () => {
    const { code, stdout } = await brickgate(sharedStack(), 'settings')

    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n')).toEqual(
      stdout
        .trimEnd()
        .split('\n')
        .map(() => expect.stringMatching(/^BRICKGATE_[A-Z0-9_]+='[^']*'$/)),
    )
    const { directory } = sharedStack().demo
    for (const secret of ['proof', 'session-key', 'workspace-token']) {
      expect(stdout).not.toContain(readFileSync(join(directory, 'secrets', secret), 'utf8').trim())
    }
  })

  it('`version` prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(HOME, 'package.json'), 'utf8')) as {
      version: string
    }
    expect(await run(BRICKGATE, ['version'])).toEqual({
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    })
  })
})

describe('the JSON Schema of `config schema`', () => {
  type Document = Record<string, object>
  let schema: z.ZodType
  let demo: Document

  beforeAll(async () => {
    const { stdout } = await run(BRICKGATE, ['config', 'schema'])
    schema = z.fromJSONSchema(JSON.parse(stdout) as z.core.JSONSchema.JSONSchema)
    demo = parse(readFileSync(sharedStack().demo.configFile, 'utf8')) as Document
  })

  it('the JSON Schema of `config schema` accepts the configuration of the demo', () => {
    expect(schema.safeParse(demo)).toMatchObject({ success: true })
  })

  it.each<[string, (document: Document) => object]>([
    ['an unknown section', (document) => ({ ...document, polices: {} })],
    ['a missing section', (document) => ({ ...document, issuers: undefined })],
    ['an unknown key', (document) => ({ ...document, audit: { path: 'x' } })],
    ['no audience', (document) => withIssuer(document, { audiences: [] })],
    ['a symmetric algorithm', (document) => withIssuer(document, { algorithms: ['HS256'] })],
    ['an unknown preset', (document) => withIssuer(document, { preset: 'auth0' })],
    [
      'a number of workers that is none',
      (document) => ({ ...document, runtime: { ...document['runtime'], workers: 0 } }),
    ],
  ])('the JSON Schema of `config schema` refuses %s', (_, spoil) => {
    expect(schema.safeParse(spoil(demo))).toMatchObject({ success: false })
  })
})

function withIssuer(document: Record<string, object>, change: object): object {
  const [issuer] = document['issuers'] as readonly object[]
  return { ...document, issuers: [{ ...issuer, ...change }] }
}
