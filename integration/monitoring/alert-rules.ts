import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { HOME } from '../../launch/gateway.ts'

export const MONITORING: string = join(HOME, 'monitoring')

/** An alert as shipped. */
export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** A recording rule as shipped. */
export interface RecordingRule {
  readonly record: string
  readonly expr: string
}

interface RuleGroup {
  readonly name: string
  readonly rules: readonly (AlertRule | RecordingRule)[]
}

/** Every shipped rule, in the order of the files. */
export function shippedRules(): readonly (AlertRule | RecordingRule)[] {
  return shippedGroups().flatMap(({ rules }) => rules)
}

/** The order in which groups see each other's values: what records comes before what alerts. */
export function evaluationOrder(): readonly string[] {
  const records = ({ rules }: RuleGroup): boolean => rules.every((rule) => 'record' in rule)
  const groups = shippedGroups()
  return [...groups.filter(records), ...groups.filter((group) => !records(group))].map(
    ({ name }) => name,
  )
}

function shippedGroups(): readonly RuleGroup[] {
  return ruleFiles().flatMap(
    (file) => (parse(readFileSync(file, 'utf8')) as { groups: readonly RuleGroup[] }).groups,
  )
}

export function shippedAlerts(): readonly AlertRule[] {
  return shippedRules().filter((rule): rule is AlertRule => 'alert' in rule)
}

export function ruleFiles(): readonly string[] {
  return globSync(join(MONITORING, 'rules/*.yml')).sort()
}

/** Expectations of the shipped promtool tests: an alert, and how many of it fire. */
export function testedAlerts(): readonly { readonly alert: string; readonly firing: number }[] {
  return testFiles().flatMap((file) => {
    const { tests } = parse(readFileSync(file, 'utf8')) as {
      tests: readonly {
        alert_rule_test: readonly { alertname: string; exp_alerts: readonly unknown[] }[]
      }[]
    }
    return tests.flatMap((test) =>
      test.alert_rule_test.map((row) => ({ alert: row.alertname, firing: row.exp_alerts.length })),
    )
  })
}

export function testFiles(): readonly string[] {
  return globSync(join(MONITORING, 'tests/*.test.yml')).sort()
}
