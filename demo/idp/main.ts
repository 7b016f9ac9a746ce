import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { runUntilSignalled } from '../service/run-service.ts'
import { createIdentityProvider } from './identity-provider.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    cert: { type: 'string' },
    key: { type: 'string' },
    ca: { type: 'string' },
    'issuer-host': { type: 'string', default: 'localhost' },
    'redirect-uri': { type: 'string', multiple: true, default: [] },
    'post-logout-redirect-uri': { type: 'string', multiple: true, default: [] },
    'backchannel-logout-uri': { type: 'string' },
  },
})

function readPem(option: 'cert' | 'key' | 'ca'): string {
  const path = values[option]
  if (path === undefined) throw new Error(`--${option} is missing`)
  return readFileSync(path, 'utf8')
}

const provider = await createIdentityProvider({
  cert: readPem('cert'),
  key: readPem('key'),
  ca: readPem('ca'),
  port: Number(values.port),
  issuerHost: values['issuer-host'],
  signIn: {
    redirectUris: values['redirect-uri'],
    postLogoutRedirectUris: values['post-logout-redirect-uri'],
    backchannelLogoutUri: values['backchannel-logout-uri'] ?? null,
  },
})
runUntilSignalled(provider, { issuer: provider.url })
