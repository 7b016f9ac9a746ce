import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { sendJson } from '../service/json.ts'
import { answerError, answerNotFound } from './answers.ts'
import type { Exchange, Route } from './exchange.ts'
import type { FileStore } from './file-store.ts'

const FILE = /^\/api\/2\.0\/fs\/files(\/.+)$/
const DIRECTORY = /^\/api\/2\.0\/fs\/directories(\/.+?)\/?$/
const IMPORT = /^\/api\/2\.0\/workspace-files\/import-file\/(.+)$/
const WORKSPACE_FILE = /^\/api\/2\.0\/workspace-files(\/.+)$/
const GENERATED = /^\/api\/2\.0\/fs\/files\/Volumes\/demo\/size\/(\d{1,12})$/

/**
 * The Files API, and files of the workspace as the CLI writes them. An escaped slash in a name is a
 * slash. `Volumes/demo/size/<bytes>` is a file of that many bytes, byte `i` being `i % 251`.
 */
export function createFilesRoutes(store: FileStore): readonly Route[] {
  return [
    ['GET', GENERATED, download(describeGenerated)],
    ['HEAD', GENERATED, download(describeGenerated)],
    ['GET', FILE, download((name) => describeStored(store, name))],
    ['HEAD', FILE, download((name) => describeStored(store, name))],
    ['PUT', FILE, (exchange) => upload(store, exchange)],
    ['DELETE', FILE, (exchange) => remove(store, exchange)],
    ['POST', IMPORT, (exchange) => importFile(store, exchange)],
    ['GET', WORKSPACE_FILE, download((name) => describeStored(store, name))],
    ['GET', DIRECTORY, (exchange) => list(store, exchange)],
    ['HEAD', DIRECTORY, ({ response }) => void response.writeHead(200).end()],
    ['PUT', DIRECTORY, ({ response }) => void response.writeHead(204).end()],
    ['DELETE', DIRECTORY, ({ response }) => void response.writeHead(204).end()],
  ]
}

/** A file to send; its content is opened only when it is sent. */
interface Download {
  readonly bytes: number
  readonly modifiedAt: Date
  readonly open: () => Readable
}

function download(find: (captured: string) => Download | null): Route[2] {
  return async ({ request, response, captured: [name = ''] }) => {
    const file = find(name)
    if (file === null) return answerNoFile(response, name)
    response.writeHead(200, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': file.bytes,
      'Last-Modified': file.modifiedAt.toUTCString(),
    })
    if (request.method === 'HEAD') return void response.end()
    await pipeline(file.open(), response)
  }
}

function describeStored(store: FileStore, name: string): Download | null {
  const file = store.find(withSlashes(name))
  return file && { ...file, open: () => createReadStream(file.location) }
}

function describeGenerated(size: string): Download {
  const bytes = Number(size)
  return { bytes, modifiedAt: new Date(0), open: () => Readable.from(generate(bytes)) }
}

const BLOCK = Buffer.from(Array.from({ length: 251 * 256 }, (_, index) => index % 251))

function* generate(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= BLOCK.length) {
    yield BLOCK.subarray(0, Math.min(left, BLOCK.length))
  }
}

async function upload(store: FileStore, { response, body, captured }: Exchange): Promise<void> {
  const [name = ''] = captured
  await store.write(withSlashes(name), body)
  response.writeHead(204).end()
}

async function importFile(store: FileStore, exchange: Exchange): Promise<void> {
  const { response, body, query, captured } = exchange
  const name = withSlashes(`/${captured[0] ?? ''}`)
  if (store.find(name) !== null && query.get('overwrite') !== 'true') {
    return answerError(response, 409, 'RESOURCE_ALREADY_EXISTS', `${name} exists already.`)
  }
  await store.write(name, body)
  sendJson(response, 200, {})
}

/** The name with its escaped slashes as slashes: a workspace decodes the whole rest of a path. */
function withSlashes(name: string): string {
  return name.replaceAll(/%2F/gi, '/')
}

async function remove(store: FileStore, { response, captured }: Exchange): Promise<void> {
  const [name = ''] = captured
  if (!(await store.remove(withSlashes(name)))) return answerNoFile(response, name)
  response.writeHead(204).end()
}

function list(store: FileStore, { response, captured: [directory = ''] }: Exchange): void {
  const inside = `${withSlashes(directory)}/`
  const names = store.names().filter((name) => name.startsWith(inside))
  sendJson(response, 200, { contents: names.map((path) => ({ path, is_directory: false })) })
}

function answerNoFile(response: Exchange['response'], name: string): void {
  answerNotFound(response, `The file ${name} does not exist.`, 'filesystem.databricks.com')
}
