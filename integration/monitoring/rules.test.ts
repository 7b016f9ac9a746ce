import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { HOME } from '../../launch/gateway.ts'
import { run } from '../harness/commands.ts'
import {
  evaluationOrder,
  MONITORING,
  ruleFiles,
  shippedAlerts,
  testedAlerts,
  testFiles,
} from './alert-rules.ts'

const SECTIONS = new Map(
  readFileSync(join(HOME, 'docs/runbook.md'), 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.split('\n', 1)[0], section]),
)

describe('promtool', () => {
  it.each(['prometheus.yml', 'prometheus.compose.yml'])(
    'promtool check config accepts %s',
    async (file) => {
      const { code, stdout, stderr } = await run('promtool', [
        ...['check', 'config', '--lint=all', '--lint-fatal'],
        join(MONITORING, file),
      ])
      expect(code, stdout + stderr).toBe(0)
      expect(stdout).toContain(`SUCCESS: ${ruleFiles().length} rule files found`)
    },
  )

  it('promtool check rules accepts every file', async () => {
    const args = ['check', 'rules', '--lint=all', '--lint-fatal', ...ruleFiles()]
    const { code, stdout, stderr } = await run('promtool', args)
    expect(code, stdout + stderr).toBe(0)
  })

  // In a random order an alert sees values that were recorded one interval before, or none.
  it.each(testFiles())(
    'promtool evaluates the groups of %s in order, recording before alerts',
    (file) => {
      const test: unknown = parse(readFileSync(file, 'utf8'))
      expect(test).toMatchObject({ group_eval_order: evaluationOrder() })
    },
  )

  it.concurrent.each(testFiles().map((file) => [file.slice(MONITORING.length + 1), file]))(
    'promtool test rules passes %s',
    async (_name, file) => {
      const { code, stdout, stderr } = await run('promtool', ['test', 'rules', file])
      expect(code, stdout + stderr).toBe(0)
    },
  )
})

describe.each(shippedAlerts().map((rule) => [rule.alert, rule] as const))('%s', (name, rule) => {
  it('an alert has a case in which it fires and a case in which it does not', () => {
    const cases = testedAlerts().filter(({ alert }) => alert === name)
    expect(cases.filter(({ firing }) => firing > 0)).not.toEqual([])
    expect(cases.filter(({ firing }) => firing === 0)).not.toEqual([])
  })

  it('an alert has a severity, a meaning and a section of the runbook', () => {
    expect(['critical', 'warning']).toContain(rule.labels['severity'])
    expect(rule.annotations['summary']).toMatch(/\S/)
    expect(rule.annotations['description']).toMatch(/\.$/)
    expect(rule.annotations['runbook_url']).toBe(`docs/runbook.md#${name.toLowerCase()}`)
    expect(SECTIONS.get(name)?.split('\n').length).toBeGreaterThan(3)
  })
})

it('the runbook has no section of an alert that does not exist', () => {
  expect(new Set(SECTIONS.keys())).toEqual(new Set(shippedAlerts().map(({ alert }) => alert)))
})
