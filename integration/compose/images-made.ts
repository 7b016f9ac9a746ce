import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { inject } from 'vitest'

const LOOK_EVERY_MS = 200

const { missing, imagesNote } = inject('containers')
if (missing === null) {
  while (!existsSync(imagesNote)) await pause(LOOK_EVERY_MS)
  const problem = readFileSync(imagesNote, 'utf8')
  if (problem !== '') throw new Error(`the images could not be made: ${problem}`)
}
