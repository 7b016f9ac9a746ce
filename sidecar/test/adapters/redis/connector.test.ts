import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const MOVED = `ioredis has another minor version. adapters/redis/primary.ts extends its internal
StandaloneConnector, which no version promises to keep. Check in the new version's
built/redis/event_handler.js that a connector's \`check(info)\` is still called before the first command, run
primary.test.ts and sentinel.test.ts, then write the version here`

const require = createRequire(import.meta.url)

it('the internal connector is that of ioredis 6.0, which was checked', () => {
  const home = join(require.resolve('ioredis'), '../..')
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  expect(version, MOVED).toMatch(/^6\.0\./)
  const { default: connector } = require('ioredis/built/connectors/StandaloneConnector.js')
  expect(typeof connector.prototype.check, MOVED).toBe('function')
  expect(readFileSync(join(home, 'built/redis/event_handler.js'), 'utf8'), MOVED).toMatch(
    /connector\.check\(info\)/,
  )
})
