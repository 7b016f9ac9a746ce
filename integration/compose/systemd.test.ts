import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { HOME } from '../../launch/gateway.ts'
import { freePort } from '../../launch/probe.ts'
import { type Answer, send } from '../harness/answer.ts'
import { docker } from './docker.ts'
import { IMAGES } from './images.ts'
import { type ComposeProject, composeProject, noteProject } from './project.ts'

const { missing } = inject('containers')

const CLUSTERS = '/api/2.1/clusters/list'
const DEMO = '/var/lib/brickgate/demo'
const UNITS = ['brickgate-sidecar', 'brickgate-egress', 'brickgate-lighttpd'] as const
const BRICKGATE = 'BRICKGATE_CONFIG=/etc/brickgate/brickgate.yaml /opt/brickgate/bin/brickgate'
const SERVED = { timeout: 30_000, interval: 300 }

/** A Debian with what docs/operations.md asks of a host without Docker, and this repository. */
const HOST = `FROM debian:bookworm-slim
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
  systemd lighttpd lighttpd-mod-openssl lighttpd-modules-lua haproxy redis-server \
  && systemctl disable lighttpd haproxy && systemctl enable redis-server \
  && mkdir /etc/systemd/system/redis-server.service.d \
  && printf '[Service]\\nPrivateUsers=no\\n' > /etc/systemd/system/redis-server.service.d/here.conf
COPY --from=brickgate-test-sidecar:test /usr/local/bin/node /usr/local/bin/node
COPY --from=brickgate-test-sidecar:test /opt/brickgate /opt/brickgate
STOPSIGNAL SIGRTMIN+3
CMD ["/lib/systemd/systemd"]
`

/**
 * Options of a container that runs systemd: groups of processes, mounts, and folders that are gone
 * with the container.
 */
const AS_MACHINE = [
  ...['--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined'],
  ...['--security-opt', 'apparmor=unconfined', '--cgroupns', 'host'],
  ...['--volume', '/sys/fs/cgroup:/sys/fs/cgroup', '--tmpfs', '/run', '--tmpfs', '/tmp'],
]

describe.skipIf(missing !== null)('a host without Docker, by the units of deploy/systemd', () => {
  let demoProject: ComposeProject
  let host: string
  let port: number
  beforeAll(async () => {
    demoProject = await composeProject('a', { sidecars: 2 })
    host = `${demoProject.name}-host`
    port = await freePort()
    const image = `${IMAGES.environment.BRICKGATE_IMAGES}-host:test`
    const build = ['build', '--quiet', '--network', 'host', '--tag', image, '-']
    execFileSync('docker', build, { input: HOST })
    noteProject(host)
    const ofProject = ['--label', `com.docker.compose.project=${host}`]
    const reached = [
      '--network',
      `${demoProject.name}_issuers`,
      '--publish',
      `127.0.0.1:${port}:8443`,
    ]
    await docker([
      'run',
      '--detach',
      '--name',
      host,
      ...ofProject,
      ...AS_MACHINE,
      ...reached,
      image,
    ])
    await docker(['network', 'connect', `${demoProject.name}_workspace`, host])
    for (const folder of ['bin', 'deploy', 'egress', 'lighttpd']) {
      await docker(['cp', join(HOME, folder), `${host}:/opt/brickgate/`])
    }
    await install()
  })
  afterAll(() => docker(['rm', '--force', '--volumes', host]))

  it('a host with systemd allows and refuses', async () => {
    await expect.poll(async () => (await sendRequest('TOKEN_ALICE')).status, SERVED).toBe(200)
    expect((await sendRequest('TOKEN_EXPIRED')).status).toBe(401)
    expect((await sendRequest(null)).status).toBe(401)
  })

  it('a host with systemd lost nothing: its first sidecar found the state that the page had made before', async () => {
    expect(await inside(`${BRICKGATE} state show`)).toBe('nothing is lost\n')
  })

  it('a host with systemd goes on after root revoked where there was no audit log, and after a restart', async () => {
    await inside(`rm /var/log/brickgate/audit.log; ${BRICKGATE} revoke subject 'demo|nobody'`)
    expect(await inside('stat -c "%U %G %a" /var/log/brickgate/audit.log')).toBe(
      'brickgate-sidecar brickgate 640\n',
    )
    await inside('systemctl restart brickgate-sidecar')
    await expect.poll(async () => (await sendRequest('TOKEN_ALICE')).status, SERVED).toBe(200)
    await inside(`${BRICKGATE} revoke subject 'demo|nobody' --undo`) // now beside the sidecar
  })

  it('a host with systemd says of an audit log that the sidecar cannot write to what keeps it from starting', async () => {
    await inside('chown root /var/log/brickgate/audit.log')
    const checked = await inside(`${BRICKGATE} config check 2>&1 || true`)
    await inside('systemctl restart brickgate-sidecar')
    const journal = (): Promise<string> => inside('journalctl -u brickgate-sidecar -n 20 -o cat')
    const refusal = 'audit.file: `/var/log/brickgate/audit.log` cannot be written'
    await expect.poll(journal, SERVED).toContain(refusal)
    await inside('chown brickgate-sidecar /var/log/brickgate/audit.log')
    expect(checked).toContain('audit.file: `/var/log/brickgate/audit.log` is of user 0')
    await expect.poll(async () => (await sendRequest('TOKEN_ALICE')).status, SERVED).toBe(200)
  })

  it.each(UNITS)(
    'a host with systemd leaves no core of %s, hides its neighbours and filters its calls',
    async (unit) => {
      const core = await inside(`cat /proc/$(systemctl show -P MainPID ${unit})/limits`)
      expect(core).toMatch(/Max core file size +0 +0 /)
      const shown = await inside(`systemctl show -P ProtectProc -P SystemCallFilter ${unit}`)
      expect(shown).toMatch(/^invisible$/m)
      expect(shown).toMatch(/\bread\b/)
      expect(shown).not.toMatch(/\b(ptrace|mount|bpf|kexec_load|init_module)\b/)
    },
  )

  it.each(UNITS)('a host with systemd goes on when %s crashes', async (unit) => {
    const restarts = async (): Promise<number> =>
      Number((await inside(`systemctl show -p NRestarts ${unit}`)).split('=')[1])
    const before = await restarts()
    await inside(`systemctl kill --kill-whom=main --signal=KILL ${unit}`)
    await expect.poll(restarts, SERVED).toBe(before + 1)
    await expect.poll(async () => (await sendRequest('TOKEN_ALICE')).status, SERVED).toBe(200)
  })

  it('a host with systemd lets nobody in while the sidecar is stopped', async () => {
    await inside('systemctl stop brickgate-sidecar')
    const { status } = await sendRequest('TOKEN_ALICE')
    await inside('systemctl start brickgate-sidecar')
    expect(status).toBe(503)
    await expect.poll(async () => (await sendRequest('TOKEN_ALICE')).status, SERVED).toBe(200)
  })

  it('a host with systemd reloads lighttpd', async () => {
    await inside('systemctl reload brickgate-lighttpd')
    await expect.poll(async () => (await sendRequest('TOKEN_ALICE')).status, SERVED).toBe(200)
    expect(await inside('systemctl is-failed "brickgate-*" || true')).not.toContain('failed')
  })

  describe('and without systemd', () => {
    const UP = 'cd /opt/brickgate && node launch/up.ts 2>&1'
    const MADE = '/run/brickgate-made'
    beforeAll(async () => {
      await inside(`systemctl stop ${UNITS.join(' ')}
        sed 's|/run/brickgate$|${MADE}|; s|/var/lib/brickgate/proof/proof|${MADE}/proof|' \
          /etc/brickgate/brickgate.yaml > /opt/brickgate/brickgate.yaml
        cp /etc/brickgate/policy.yaml /opt/brickgate/`)
      await docker(['cp', join(HOME, 'launch'), `${host}:/opt/brickgate/`]) // and no demo/
    })

    it('a host without systemd is not run by root where no user is there to run it', async () => {
      const refused = await inside(`${UP} || echo code $?`)
      expect(refused).toMatch(
        /there is no user `brickgate`: name one in BRICKGATE_USER[^]*code 1\n/,
      )
      expect(await inside(`ls -d ${MADE} 2>&1 || true`)).toContain('No such file')
    })

    it('a host without systemd is run by a user with no right of root when root says `make up`', async () => {
      const printed = await inside(`export BRICKGATE_USER=brickgate-sidecar; ${UP}`)
      expect(printed).toMatch(/running as `brickgate-sidecar`\nBrickgate is up/)
      expect((await sendRequest('TOKEN_ALICE')).status).toBe(200)
      expect((await sendRequest(null)).status).toBe(401)
      const rights = await inside(
        `for file in .run/pids/*.pid; do
          read -r pid _ < $file; grep -hE '^(Uid|Groups|CapBnd|CapAmb|NoNewPrivs):' /proc/$pid/status
        done | sort | uniq -c | tr -s ' \t' ' '`.replaceAll('.run', '/opt/brickgate/.run'),
      )
      expect(rights.trim().split('\n ')).toEqual([
        '3 CapAmb: 0000000000000000',
        '3 CapBnd: 0000000000000000',
        '3 Groups: 10000 ',
        '3 NoNewPrivs: 1',
        '3 Uid: 10002 10002 10002 10002',
      ])
      const others = `find /opt/brickgate/.run ${MADE} ! -user brickgate-sidecar`
      expect(await inside(others)).toBe('')
    })

    it('a host without systemd ends when root says `make down`, by the user that it runs as', async () => {
      await inside('cd /opt/brickgate && node launch/down.ts')
      expect(await inside('ls /opt/brickgate/.run/pids')).toBe('')
      await expect(sendRequest(null)).rejects.toThrow(/ECONNREFUSED|ECONNRESET|socket/)
    })
  })

  /** Runs the commands of docs/operations.md, after the operator's own files are there. */
  async function install(): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'brickgate-etc-'))
    await demoProject.compose('cp', `demo:${DEMO}/.`, folder)
    writeFileSync(join(folder, 'brickgate.yaml'), configuration(join(folder, 'brickgate.yaml')))
    await docker(['cp', `${folder}/.`, `${host}:/etc/brickgate`])
    rmSync(folder, { recursive: true })
    await inside(`
      cd /opt/brickgate
      cp deploy/systemd/brickgate.sysusers /usr/lib/sysusers.d/brickgate.conf && systemd-sysusers
      cp deploy/systemd/brickgate.tmpfiles /usr/lib/tmpfiles.d/brickgate.conf && systemd-tmpfiles --create
      cp deploy/systemd/brickgate-{settings,sidecar,egress,lighttpd}.service /etc/systemd/system/
      chgrp -R brickgate /etc/brickgate && chmod -R g+rX /etc/brickgate
      ${documentedCommands().join('\n      ')}`)
  }

  /** The commands of docs/operations.md for a host without Docker, in their order. */
  function documentedCommands(): readonly string[] {
    const page = readFileSync(join(HOME, 'docs/operations.md'), 'utf8')
    const [, section = ''] = page.split('### Without Docker')
    const lines = (section.split('\n###')[0] ?? '').split('\n')
    return lines.flatMap((line) => /^ {4}((?:systemctl|bin\/brickgate) .*)$/.exec(line)?.[1] ?? [])
  }

  /** The demo's, with what is this host's own. */
  function configuration(file: string): string {
    const text = readFileSync(file, 'utf8').replaceAll(`${DEMO}/`, '/etc/brickgate/')
    return stringify({
      ...(parse(text) as object),
      redis: { url: 'redis://127.0.0.1:6379' },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of brickgate.yaml
      sessions: { keys: ['${file:/var/lib/brickgate/secrets/session-key}'] },
      admin: { listen: '127.0.0.1:9464' },
      audit: { file: '/var/log/brickgate/audit.log' },
      runtime: { directory: '/run/brickgate', proof_file: '/var/lib/brickgate/proof/proof' },
    })
  }

  async function sendRequest(token: string | null): Promise<Answer> {
    const headers = token === null ? {} : { authorization: `Bearer ${demoProject.setting(token)}` }
    return send({ port, ca: demoProject.listener().ca }, CLUSTERS, { headers })
  }

  function inside(script: string): Promise<string> {
    return docker(['exec', host, 'bash', '-ec', script])
  }
})
