import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRaw } from '../harness/answer.ts'
import { type Gate, startGate } from '../harness/gate.ts'
import { testedLighttpds } from '../harness/lighttpd-programs.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { generateOwnPage, generateTarget } from './generated-targets.ts'
import { OWN_PAGES } from './own-pages.ts'
import { normalForm } from './path-oracle.ts'
import { PATH_TABLE } from './path-table.ts'
import { createRandom } from './random.ts'
import { createRawClient } from './raw-client.ts'
import { requestText } from './requests.ts'

/** In place of the gate: answers with what lighttpd gives the gate to judge, and admits nothing. */
const SHOW_PATHS = `
local gate = {}
function gate.judge(lighty)
  local r = lighty.r
  r.req_env["BRICKGATE_STAGE"] = "answered"
  r.resp_body.set(r.req_attr["uri.path"] .. "\\n" .. r.req_attr["request.uri"])
  return 200
end
return gate
`

const AT_ONCE = 4

describe.each(testedLighttpds())('without the gate, lighttpd $version', (tested) => {
  let gate: Gate

  beforeAll(async () => {
    const mutate = (folder: string): void => writeFileSync(join(folder, 'lua/gate.lua'), SHOW_PATHS)
    gate = await startGate(sharedStack(), { tested, mutate })
  })

  afterAll(() => gate.stop())

  it('without the gate, lighttpd makes no path that begins with two slashes, and leaves escaped slashes as they were sent', async () => {
    const random = createRandom(20_261_127)
    const targets = [
      ...PATH_TABLE.map(([sent]) => sent),
      ...OWN_PAGES.map(([sent]) => sent),
      ...Array.from({ length: 1000 }, () => generateTarget(random)),
      ...Array.from({ length: 300 }, () => generateOwnPage(random)),
    ]
    const read = await readBy(gate, targets)
    const escaped = read.filter(({ target }) => /%2F/.test(target.split('?')[0] ?? ''))
    expect(escaped.length).toBeGreaterThan(80)
    expect(read.filter(({ path }) => !/^\/(?!\/)/.test(path))).toEqual([])
    expect(read.filter(({ sent, target }) => normalForm(sent) !== target)).toEqual([])
  })
})

interface Read {
  readonly sent: string
  /** decoded, what a backend would be chosen by */
  readonly path: string
  /** the target that lighttpd would forward */
  readonly target: string
}

/** Decoded paths of the targets that lighttpd's parser does not refuse. */
async function readBy(gate: Gate, targets: readonly string[]): Promise<readonly Read[]> {
  const left = [...targets]
  const read: Read[] = []
  const run = async (): Promise<void> => {
    const client = createRawClient(() => openRaw(gate.listener()))
    for (let sent = left.pop(); sent !== undefined; sent = left.pop()) {
      const { status, body } = await client.sendRequest(requestText(sent, []))
      const [path = '', target = ''] = body.split('\n')
      if (status === 200) read.push({ sent, path, target })
    }
    client.close()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, run))
  return read
}
