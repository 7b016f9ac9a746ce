import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Whether any layer of an image, or its description, holds one of these texts. Layers are saved
 * uncompressed.
 */
export async function imageHolds(image: string, texts: readonly string[]): Promise<boolean> {
  const sought = texts.map((text) => Buffer.from(text.trim()))
  const overlap = Math.max(...sought.map(({ length }) => length))
  const saving = spawn('docker', ['save', image], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(saving, 'exit')
  let isFound = false
  let rest = Buffer.alloc(0)
  for await (const chunk of saving.stdout) {
    const bytes = Buffer.concat([rest, chunk as Buffer])
    isFound ||= sought.some((text) => bytes.includes(text))
    rest = bytes.subarray(Math.max(0, bytes.length - overlap))
  }
  const [code] = await ended
  if (code !== 0) throw new Error(`docker save ${image} ended with ${code}`)
  return isFound
}
