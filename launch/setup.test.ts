import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

/** A registry that hands out something else under the name of the pinned Node. */
const FORGING_NPM = `#!/bin/sh
[ "$1" = pack ] || exit 9
for word; do [ "$last" = --pack-destination ] && folder=$word; last=$word; done
mkdir -p package/bin && printf '#!/bin/sh\\necho ran > ran; echo v24.21.0\\n' > package/bin/node
chmod +x package/bin/node && tar -czf "$folder/forged.tgz" package && echo forged.tgz
`

it('a Node that is not the pinned archive is neither unpacked nor run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'brickgate-setup-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'launch'))
  copyFileSync(join(import.meta.dirname, 'setup.sh'), join(folder, 'launch/setup.sh'))
  writeFileSync(join(folder, 'npm'), FORGING_NPM)
  chmodSync(join(folder, 'npm'), 0o755)

  const env = { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` }
  const { status, stderr } = spawnSync('bash', [join(folder, 'launch/setup.sh')], {
    encoding: 'utf8',
    env,
  })
  expect(stderr).toMatch(/^brickgate: node-\S+ \S+ is not what was pinned: sha512 \S+$/m)
  expect(status).toBe(1)
  expect(existsSync(join(folder, '.tools/node'))).toBe(false)
  expect(existsSync(join(folder, 'ran'))).toBe(false)
})
