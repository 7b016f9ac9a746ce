import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOME } from '../../launch/gateway.ts'
import { EDGES, HTTP2_EDGES } from '../edge/edges.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { type CommandResult, run } from '../harness/commands.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import type { Edge } from '../harness/stack.ts'

const STATUS_LAST = '%{stderr}%{http_code}'
const PUBLIC_URL = 'https://dbx.example.com'

let stack: StackClient
let token: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  token = await stack.mint({ sub: 'alice', groups: ['analysts'] })
})

afterAll(() => stack.close())

describe.each(EDGES)('through lighttpd $version', (edge) => {
  it('the commands of docs/clients.md make a session of a token and end it', async () => {
    const [make = '', end = '', ...more] = documentedCommands()
    expect(more).toEqual([])
    const made = await shell(edge, make)
    expect([made.stderr, made.stdout]).toEqual(['201', expect.stringContaining('"token":"bgs_')])
    const session = (JSON.parse(made.stdout) as { readonly token: string }).token
    const ended = await shell(edge, end.replace('bgs_…', session))
    expect(ended.stderr).toBe('204')
  })

  it.each([
    ['no type', []],
    ['JSON', ['-H', 'Content-Type: application/json']],
    ['text', ['-H', 'Content-Type: text/plain']],
    ['an unknown type', ['-H', 'Content-Type: application/x-unknown']],
  ])('the responder makes a session of an empty body with %s', async (_, fields) => {
    const empty = ['-X', 'POST', '-H', 'Content-Length: 0']
    expect((await curl(edge, '/_brickgate/sessions', [...empty, ...fields])).stderr).toBe('201')
  })

  it.each([
    ['text', 'text/plain', 'x', '415'],
    ['a form', 'application/x-www-form-urlencoded', 'expires_in=60', '415'],
    ['JSON that ends early', 'application/json', '{', '400'],
  ])('the responder makes no session of %s', async (_, type, body, status) => {
    const fields = ['-d', body, '-H', `Content-Type: ${type}`]
    expect((await curl(edge, '/_brickgate/sessions', fields)).stderr).toBe(status)
  })

  it('the responder answers `curl -X POST` without a body by the length to send', async () => {
    const { stdout, stderr } = await curl(edge, '/api/2.0/sql/statements', ['-X', 'POST'])
    expect(stderr).toBe('411')
    expect(stdout).toContain("a POST needs `Content-Length: 0` when it has no body: curl -d ''")
  })
})

describe.each(HTTP2_EDGES)('over HTTP/2, through lighttpd $version', (edge) => {
  it('`curl -X POST` without a body makes a session over HTTP/2', async () => {
    const fields = ['--http2', '-X', 'POST']
    expect((await curl(edge, '/_brickgate/sessions', fields)).stderr).toBe('201')
  })
})

/** The lines of the page that begin with `curl`, in their order. */
function documentedCommands(): readonly string[] {
  const page = readFileSync(join(HOME, 'docs/clients.md'), 'utf8')
  return page.split('\n').flatMap((line) => /^ {4}(curl .*)$/.exec(line)?.[1] ?? [])
}

function options({ internal }: Edge): readonly string[] {
  const { ca } = stack.info.demo.pki
  return ['-sS', '-w', STATUS_LAST, '--cacert', ca, '--connect-to', `::localhost:${internal}`]
}

/** A command of the page, against an edge. Its status is what remains on stderr. */
function shell(edge: Edge, command: string): Promise<CommandResult> {
  const own = command.replace(PUBLIC_URL, `https://localhost:${edge.internal}`)
  const words = options(edge).map((word) => `'${word}'`)
  const script = own.replace(/^curl /, `curl --http1.1 ${words.join(' ')} `)
  return run('sh', ['-c', `TOKEN='${token}'; ${script}`])
}

function curl(edge: Edge, path: string, more: readonly string[]): Promise<CommandResult> {
  const protocol = more.includes('--http2') ? [] : ['--http1.1']
  const url = `https://localhost:${edge.internal}${path}`
  const bearer = ['-H', `Authorization: Bearer ${token}`]
  return run('curl', [...options(edge), ...protocol, ...bearer, ...more, url])
}
