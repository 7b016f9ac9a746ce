import { beforeAll, describe, expect, inject, it } from 'vitest'
import { type ComposeProject, composeProject } from './project.ts'

const { missing } = inject('containers')

/** A sample of an instant vector: its labels, and time and value. */
interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

const SCRAPED = { timeout: 60_000, interval: 1000 }

describe.skipIf(missing !== null)('the composed Prometheus', () => {
  let project: ComposeProject
  beforeAll(async () => {
    project = await composeProject('a', { sidecars: 2 })
    // Grafana's image holds nothing that is ours; it is left out
    await project.compose('up', '--detach', '--wait', '--no-deps', 'prometheus')
  })

  it('the composed Prometheus scrapes both sidecars, lighttpd and the egress', async () => {
    const up = async (): Promise<readonly string[]> =>
      (await query('up == 1')).map(({ metric }) => metric['job'] ?? '').sort()
    await expect
      .poll(up, SCRAPED)
      .toEqual(['brickgate-egress', 'brickgate-lighttpd', 'brickgate-sidecar', 'brickgate-sidecar'])
  })

  it('the composed Prometheus counts the decisions of all sidecars', async () => {
    const decisions = async (): Promise<number> => {
      const [sum] = await query('sum(brickgate_decisions_total{decision="allow"})')
      return Number(sum?.value[1] ?? 0)
    }
    const before = await decisions()
    for (let count = 0; count < 10; count += 1) {
      expect((await project.sendRequest(project.setting('TOKEN_ALICE'))).status).toBe(200)
    }
    await expect.poll(decisions, SCRAPED).toBeGreaterThanOrEqual(before + 10)
  })

  it('the composed Prometheus has loaded the shipped rules, and none fails', async () => {
    interface Groups {
      readonly groups: readonly { readonly rules: readonly { readonly health: string }[] }[]
    }
    const health = async (): Promise<ReadonlySet<string>> => {
      const { groups } = (await project.prometheus('rules')) as Groups
      return new Set(groups.flatMap(({ rules }) => rules.map((rule) => rule.health)))
    }
    await expect.poll(health, SCRAPED).toEqual(new Set(['ok']))
  })

  async function query(expression: string): Promise<readonly Sample[]> {
    const answer = await project.prometheus(`query?query=${encodeURIComponent(expression)}`)
    return (answer as { readonly result: readonly Sample[] }).result
  }
})
