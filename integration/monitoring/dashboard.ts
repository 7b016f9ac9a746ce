import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MONITORING } from './alert-rules.ts'

/** A query of a dashboard. */
export interface PanelQuery {
  readonly panel: string
  readonly expr: string
}

interface Panel {
  readonly title: string
  readonly type: string
  readonly targets?: readonly { readonly expr: string }[]
}

export interface Dashboard {
  readonly uid: string
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; definition?: string }[] }
  readonly annotations: { readonly list: readonly { readonly expr?: string }[] }
}

export function dashboards(): readonly Dashboard[] {
  return globSync(join(MONITORING, 'grafana/dashboards/*.json')).map(
    (file) => JSON.parse(readFileSync(file, 'utf8')) as Dashboard,
  )
}

/** Every query of every panel, variables filled in as Grafana does. */
export function panelQueries(): readonly PanelQuery[] {
  return dashboards().flatMap(({ panels }) =>
    panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ panel: title, expr: filledIn(expr) })),
    ),
  )
}

export function filledIn(expr: string): string {
  return expr.replaceAll('$__rate_interval', '10s').replaceAll('$sidecar', '.+')
}
