import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { runUntilSignalled } from '../service/run-service.ts'
import type { TrustedIssuer } from './credential-check.ts'
import { createSimulator } from './simulator.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'control-port': { type: 'string', default: '0' },
    cert: { type: 'string' },
    key: { type: 'string' },
    'workspace-id': { type: 'string', default: '1234567890123456' },
    'pat-file': { type: 'string' },
    issuer: { type: 'string' },
    'issuer-ca': { type: 'string' },
    audience: { type: 'string', default: 'api://databricks' },
  },
})

function read(option: 'cert' | 'key' | 'issuer-ca' | 'pat-file'): string {
  const path = values[option]
  if (path === undefined) throw new Error(`--${option} is missing`)
  return readFileSync(path, 'utf8')
}

function readTrustedIssuer(issuer: string): TrustedIssuer {
  const { audience } = values
  return { issuer, audience, jwksUri: `${issuer}/jwks`, ca: read('issuer-ca') }
}

const simulator = await createSimulator({
  cert: read('cert'),
  key: read('key'),
  port: Number(values.port),
  controlPort: Number(values['control-port']),
  workspaceId: values['workspace-id'],
  accepted: {
    personalAccessToken: values['pat-file'] === undefined ? null : read('pat-file').trim(),
    trustedIssuer: values.issuer === undefined ? null : readTrustedIssuer(values.issuer),
  },
})
runUntilSignalled(simulator, { workspace: simulator.url, control: simulator.controlUrl })
