import { beforeAll, describe, expect, inject, it } from 'vitest'
import { docker, type Inspected, inspect } from './docker.ts'
import { imageHolds } from './image-bytes.ts'
import { IMAGES } from './images.ts'
import { type ComposeProject, composeProject } from './project.ts'

const { missing } = inject('containers')

const SERVICES = ['lighttpd', 'egress', 'sidecar', 'redis'] as const
/** Where each secret is, and in whose container. */
const SECRETS = [
  ['the proof', 'sidecar', '/var/lib/brickgate/proof/proof'],
  ['the session key', 'sidecar', '/var/lib/brickgate/secrets/session-key'],
  ['the password of Redis', 'sidecar', '/var/lib/brickgate/secrets/redis-password'],
  ['the operator’s password', 'sidecar', '/var/lib/brickgate/secrets/redis-operator-password'],
  ['the key of the certificate', 'lighttpd', '/var/lib/brickgate/demo/pki/gateway.key'],
] as const

describe.skipIf(missing !== null)('a container of the composed gateway', () => {
  let project: ComposeProject
  beforeAll(async () => {
    project = await composeProject('a', { sidecars: 2 })
  })

  it.each(SERVICES)(
    'a container of %s runs without root, and can write nowhere but to its volumes',
    async (service) => {
      const uid = await inside(service, 'id -u; id -G')
      expect(uid.split(/\s+/)[0]).toMatch(/^[1-9]/)
      expect(uid.split(/\s+/)).not.toContain('0')
      const written = await inside(
        service,
        'for d in / /etc /opt /usr /var; do touch $d/x && echo $d; done 2>/dev/null; true',
      )
      expect(written).toBe('')
      const capabilities = await inside(
        service,
        "grep -E '^Cap(Prm|Eff|Bnd)|^NoNewPrivs' /proc/self/status",
      )
      expect(capabilities.replaceAll(/\s+/g, ' ').trim()).toBe(
        'CapPrm: 0000000000000000 CapEff: 0000000000000000 CapBnd: 0000000000000000 NoNewPrivs: 1',
      )
    },
  )

  it('a container is described as locked down, the steps that end by themselves included', async () => {
    for (const { Name, HostConfig } of await everyContainer()) {
      expect(HostConfig, Name).toMatchObject({
        ReadonlyRootfs: true,
        Privileged: false,
        CapDrop: ['ALL'],
        CapAdd: null,
        SecurityOpt: ['no-new-privileges:true'],
      })
    }
  })

  it('a container is published only if it is lighttpd’s, or opens the demo to loopback', async () => {
    const published = (await everyContainer())
      .filter(({ HostConfig }) => Object.keys(HostConfig.PortBindings ?? {}).length > 0)
      .map(({ Name }) => Name)
    expect(published.sort()).toEqual([`/${project.name}-demo-1`, `/${project.name}-lighttpd-1`])
  })

  it.each(SECRETS)('a container keeps %s in a file alone', async (_what, service, file) => {
    const secret =
      (await inside(service, `cat ${file}`)).split('\n').at(file.endsWith('.key') ? 1 : 0) ?? ''
    expect(secret.length).toBeGreaterThan(40)
    const described = await Promise.all([
      docker(['inspect', ...(await everyId()), ...IMAGES.built]),
      project.compose('config'),
      project.compose('logs'),
      ...IMAGES.built.map((image) => docker(['history', '--no-trunc', image])),
      inside(service, "tr '\\0' '\\n' < /proc/1/environ; tr '\\0' ' ' < /proc/1/cmdline"),
    ])
    expect(described.filter((text) => text.includes(secret))).toEqual([])
  })

  it('a container is made of images that hold none of these', async () => {
    const secrets = await Promise.all(
      SECRETS.map(async ([, service, file]) => inside(service, `cat ${file}`)),
    )
    for (const image of IMAGES.built) expect(await imageHolds(image, secrets), image).toBe(false)
    // that the search finds what is there
    expect(await imageHolds(IMAGES.built[0] ?? '', ['magnet.attract-raw-url-to'])).toBe(true)
  })

  it('a container is made of an image that holds nothing of the folder where operators put their files', async () => {
    const shipped = await inside('sidecar', 'ls -A /opt/brickgate/deploy/compose')
    expect(shipped.trim().split('\n')).toEqual([
      'brickgate',
      'healthy',
      'users.acl',
      'with-settings',
    ])
  })

  it.each(['lighttpd', 'egress'])(
    'a container of %s cannot read the configuration of the demo',
    async (service) => {
      const tried =
        'cat /var/lib/brickgate/demo/brickgate.yaml /var/lib/brickgate/demo/secrets/* 2>&1; true'
      expect(await inside(service, tried)).toMatch(/^(cat: \S+: Permission denied\n)+$/)
    },
  )

  it.each([
    ['lighttpd', '/var/lib/brickgate/secrets'],
    ['egress', '/var/lib/brickgate/secrets'],
    ['redis', '/var/lib/brickgate/proof'],
    ['redis', '/var/lib/brickgate/secrets'],
  ])('a container of %s sees nothing of %s', async (service, folder) => {
    expect(await inside(service, `ls -A ${folder} 2>/dev/null; true`)).toBe('')
  })

  function inside(service: string, command: string): Promise<string> {
    return project.compose('exec', '-T', service, 'sh', '-c', command)
  }

  async function everyId(): Promise<readonly string[]> {
    return (await project.compose('ps', '--all', '--quiet')).split('\n').filter((id) => id !== '')
  }

  async function everyContainer(): Promise<readonly Inspected[]> {
    return inspect(...(await everyId()))
  }
})
