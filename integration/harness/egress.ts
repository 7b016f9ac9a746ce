import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { HOME } from '../../launch/gateway.ts'
import { accepts, freePort } from '../../launch/probe.ts'
import { type BackgroundProcess, startProcess, stopProcess } from '../../launch/process.ts'
import type { Answer, Outgoing } from './answer.ts'
import { forkyProgram } from './forky.ts'

/** Environment variables; undefined is one that is not there. */
export type Settings = Readonly<Record<string, string | undefined>>

/** The variables that are there. */
export function settled(settings: Settings): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  )
}

/** A HAProxy to test against: its program with the arguments before its own options. */
export interface TestedHaproxy {
  /** such as `3.2.26` */
  readonly version: string
  readonly command: string
  readonly args: readonly string[]
}

/** The HAProxy of this machine and, where it was unpacked, the one of the images. */
export function testedHaproxies(): readonly TestedHaproxy[] {
  const programs = [{ command: 'haproxy', args: [] }, ...forkyProgram('haproxy')]
  return programs.map(({ command, args }) => {
    const banner = execFileSync(command, [...args, '-v'], { encoding: 'utf8' })
    const version = /HAProxy version ([\d.]+)/.exec(banner)?.[1]
    if (version === undefined) throw new Error(`no version of HAProxy in \`${banner}\``)
    return { version, command, args }
  })
}

/**
 * A HAProxy with the shipped configuration.
 *
 * @param haproxy this machine's by default
 */
export function egressProcess(settings: Settings, haproxy?: TestedHaproxy): BackgroundProcess {
  const environment = settled(settings)
  const { BRICKGATE_RUN_DIR: directory } = environment
  return {
    name: 'egress',
    command: haproxy?.command ?? 'haproxy',
    args: [...(haproxy?.args ?? []), '-db', '-f', join(HOME, 'egress/haproxy.cfg')],
    environment,
    isReady: async () => directory !== undefined && accepts(join(directory, 'egress.sock')),
  }
}

/** An egress without a gate before it. */
export interface Egress {
  /** sends a request as the gate would; header values in a list become fields of their own */
  send(path: string, outgoing?: Outgoing): Promise<Answer>
  /** the text of its log so far */
  log(): string
  stop(): Promise<void>
}

/**
 * Starts an egress in a folder of its own.
 *
 * @param settings without `BRICKGATE_RUN_DIR`, `BRICKGATE_EGRESS_*` and
 * `BRICKGATE_TUNNEL_WINDOW_S`, unless these have to be others
 * @throws {Error} with the end of its log when it does not start
 */
export async function startEgress(settings: Settings): Promise<Egress> {
  const directory = mkdtempSync(join(tmpdir(), 'brickgate-egress-'))
  const stop = async (): Promise<void> => {
    await stopProcess('egress', directory)
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    const own = {
      BRICKGATE_RUN_DIR: directory,
      BRICKGATE_EGRESS_DIR: join(HOME, 'egress'),
      BRICKGATE_TUNNEL_WINDOW_S: '7200',
      BRICKGATE_EGRESS_ADMIN_LISTEN: `127.0.0.1:${await freePort()}`,
    }
    await startProcess(egressProcess({ ...own, ...settings }), directory)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    send: (path, outgoing = {}) => send(join(directory, 'egress.sock'), path, outgoing),
    log: () => readFileSync(join(directory, 'logs/egress.log'), 'utf8'),
    stop,
  }
}

function send(socketPath: string, path: string, outgoing: Outgoing): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = outgoing
  return new Promise((resolve, reject) => {
    const sent = request(
      { socketPath, path, method, agent: false, headers: headers as Record<string, string[]> },
      (response) => {
        const { statusCode = 0 } = response
        buffer(response).then(
          (bytes) =>
            resolve({ status: statusCode, headers: response.headers, body: bytes.toString() }),
          reject,
        )
      },
    )
    sent.setTimeout(30_000, () => sent.destroy(new Error('no answer within 30 s')))
    sent.once('error', reject)
    sent.end(body)
  })
}
