import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export interface StoredFile {
  /** where its bytes are */
  readonly location: string
  readonly bytes: number
  readonly modifiedAt: Date
}

/** Uploaded files, kept on disk so that no upload is held in memory. Beyond 64 the oldest goes. */
export interface FileStore {
  /** replaces the file of this name; an upload that breaks off changes nothing */
  write(name: string, body: Readable): Promise<void>
  find(name: string): StoredFile | null
  names(): readonly string[]
  /** @returns whether there was such a file */
  remove(name: string): Promise<boolean>
  /** removes everything */
  close(): Promise<void>
}

const MAX_FILES = 64

export async function createFileStore(): Promise<FileStore> {
  const directory = await mkdtemp(join(tmpdir(), 'brickgate-files-'))
  const files = new Map<string, StoredFile>()
  const remove = async (name: string): Promise<boolean> => {
    const file = files.get(name)
    files.delete(name)
    if (file !== undefined) await rm(file.location)
    return file !== undefined
  }
  return {
    async write(name, body) {
      const location = join(directory, randomUUID())
      const target = createWriteStream(location, { mode: 0o600 })
      await pipeline(body, target).catch(async (error) => {
        await rm(location, { force: true })
        throw error
      })
      await remove(name)
      files.set(name, { location, bytes: target.bytesWritten, modifiedAt: new Date() })
      const [oldest] = files.keys()
      if (files.size > MAX_FILES && oldest !== undefined) await remove(oldest)
    },
    find: (name) => files.get(name) ?? null,
    names: () => [...files.keys()],
    remove,
    close: () => rm(directory, { recursive: true }),
  }
}
