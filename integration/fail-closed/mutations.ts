import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Changes a copy of `lighttpd/`.
 *
 * @throws when there is nothing of what it changes
 */
export type Mutate = (folder: string) => void

/**
 * Something that an operator can get wrong, and whether the gateway still serves what it should:
 * `egress refuses` when what it should not serve goes as far as the egress.
 */
export type Mutation = readonly [
  name: string,
  mutate: Mutate,
  outcome: 'serves' | 'refuses' | 'egress refuses',
]

function remove(...files: readonly string[]): Mutate {
  return (folder) => {
    for (const file of files) rmSync(join(folder, file))
  }
}

function write(file: string, text: string): Mutate {
  return (folder) => {
    readFileSync(join(folder, file))
    writeFileSync(join(folder, file), text)
  }
}

function replace(file: string, from: string, to: string): Mutate {
  return (folder) => {
    const path = join(folder, file)
    const text = readFileSync(path, 'utf8')
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`)
    writeFileSync(path, text.replaceAll(from, to))
  }
}

function inBothTiers(text: string): Mutate {
  return all(write('lua/internal.lua', text), write('lua/external.lua', text))
}

function all(...changes: readonly Mutate[]): Mutate {
  return (folder) => {
    for (const change of changes) change(folder)
  }
}

function modules(...names: readonly string[]): Mutate {
  const list = names.map((name) => `"mod_${name}"`).join(', ')
  const shipped = ['openssl', 'extforward', 'magnet', 'fastcgi', 'proxy', 'accesslog']
  return replace('lighttpd.conf', shipped.map((name) => `"mod_${name}"`).join(', '), list)
}

function setting(line: string): Mutate {
  return replace('lighttpd.conf', 'server.tag = ""', `server.tag = ""\n${line}`)
}

const exchangeTierScripts: Mutate = (folder) => {
  const [internal, external, other] = ['internal', 'external', 'other'].map((tier) =>
    join(folder, `lua/${tier}.lua`),
  ) as [string, string, string]
  copyFileSync(internal, other)
  copyFileSync(external, internal)
  copyFileSync(other, external)
}

const SCRIPTS: readonly Mutation[] = [
  ['gate.lua is missing', remove('lua/gate.lua'), 'refuses'],
  ['gate.lua is empty', write('lua/gate.lua', ''), 'refuses'],
  ['gate.lua has a syntax error', write('lua/gate.lua', 'local = ('), 'refuses'],
  [
    'gate.lua fails',
    replace('lua/gate.lua', 'local env, sent =', 'local env, sent = nil +'),
    'refuses',
  ],
  [
    'gate.lua fails after the allow',
    replace('lua/gate.lua', 'or objection(', 'or nil + objection('),
    'refuses',
  ],
  ['headers.lua is missing', remove('lua/headers.lua'), 'refuses'],
  ['proof.lua is missing', remove('lua/proof.lua'), 'refuses'],
  ['the script of the tier is missing', remove('lua/internal.lua', 'lua/external.lua'), 'refuses'],
  ['the script of the tier is empty', inBothTiers(''), 'refuses'],
  ['the script of the tier returns nil', inBothTiers('return nil'), 'refuses'],
  ['the script of the tier returns a string', inBothTiers('return "x"'), 'refuses'],
  ['the script of the tier returns 0', inBothTiers('return 0'), 'refuses'],
  ['the script of the tier returns 200', inBothTiers('return 200'), 'refuses'],
  ['each tier has the script of the other', exchangeTierScripts, 'refuses'],
  ['response.lua is missing', remove('lua/response.lua'), 'serves'],
  ['response.lua fails', write('lua/response.lua', 'error("x")'), 'serves'],
  [
    'gate.lua takes any proof',
    replace(
      'lua/gate.lua',
      'local proof_of = require("proof")',
      'local function proof_of(l, any) return require("proof")(l, any) or any end',
    ),
    'egress refuses',
  ],
]

const TIERS: readonly Mutation[] = [
  [
    'no script before the request',
    replace('conf.d/tier.conf', 'magnet.attract-raw-url-to', '#'),
    'refuses',
  ],
  [
    'the script runs later',
    replace('conf.d/tier.conf', 'attract-raw-url-to', 'attract-physical-path-to'),
    'refuses',
  ],
  ['no fastcgi.server', replace('conf.d/tier.conf', 'fastcgi.server =', 'var.unused ='), 'refuses'],
  [
    'the authorizer is on a path',
    replace('conf.d/tier.conf', '"//brickgate-check"', '"/api/"'),
    'refuses',
  ],
  [
    'the authorizer is a responder',
    replace('conf.d/tier.conf', '"mode" => "authorizer", ', ''),
    'refuses',
  ],
  [
    'the authorizer has no socket',
    replace('conf.d/tier.conf', '/authorizer-', '/nowhere-'),
    'refuses',
  ],
  [
    'authorizer and responder are exchanged',
    all(
      replace('conf.d/tier.conf', '"//brickgate-check"', '"//other"'),
      replace('conf.d/tier.conf', '"//brickgate-responder"', '"//brickgate-check"'),
      replace('conf.d/tier.conf', '"//other"', '"//brickgate-responder"'),
    ),
    'refuses',
  ],
]

const MODULES: readonly Mutation[] = [
  ['mod_magnet is not loaded', modules('openssl', 'fastcgi', 'proxy', 'accesslog'), 'refuses'],
  ['mod_fastcgi is not loaded', modules('openssl', 'magnet', 'proxy', 'accesslog'), 'refuses'],
  ['mod_proxy is not loaded', modules('openssl', 'magnet', 'fastcgi', 'accesslog'), 'refuses'],
  [
    'proxy, magnet, fastcgi',
    modules('openssl', 'proxy', 'magnet', 'fastcgi', 'accesslog'),
    'refuses',
  ],
  [
    'proxy, fastcgi, magnet',
    modules('openssl', 'proxy', 'fastcgi', 'magnet', 'accesslog'),
    'refuses',
  ],
  [
    'fastcgi, proxy, magnet',
    modules('openssl', 'fastcgi', 'proxy', 'magnet', 'accesslog'),
    'refuses',
  ],
  [
    'magnet, proxy, fastcgi',
    modules('openssl', 'magnet', 'proxy', 'fastcgi', 'accesslog'),
    'serves',
  ],
  [
    'fastcgi, magnet, proxy',
    modules('openssl', 'fastcgi', 'magnet', 'proxy', 'accesslog'),
    'refuses',
  ],
  ['compat modules', replace('lighttpd.conf', 'load = "disable"', 'load = "enable"'), 'serves'],
]

const SETTINGS: readonly Mutation[] = [
  ['errors are intercepted', setting('server.error-intercept = "enable"'), 'serves'],
  ['an error handler', setting('server.error-handler = "/_brickgate/x"'), 'serves'],
  ['an error handler for 404', setting('server.error-handler-404 = "/api/2.1/x"'), 'serves'],
  ['files of the machine', replace('lighttpd.conf', '"/nonexistent"', '"/"'), 'serves'],
  ['parsing is not strict', replace('conf.d/parsing.conf', '"enable"', '"disable"'), 'serves'],
]

/** Faults of a deployed lighttpd other than in its environment. */
export const MUTATIONS: readonly Mutation[] = [...SCRIPTS, ...TIERS, ...MODULES, ...SETTINGS]
