import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { Provider } from 'oidc-provider'
import { createControlApp } from '../service/control-routes.ts'
import { closeServer, listen } from '../service/listen.ts'
import { splitTarget } from '../service/split-target.ts'
import { createTrustingFetch } from '../service/trusting-fetch.ts'
import { LIFETIME_SECONDS } from './access-token.ts'
import type { SignInAddresses } from './clients.ts'
import { createConfiguration, type ProviderSettings } from './configuration.ts'
import { CONTROL_PREFIX, createDemoControl } from './demo-control.ts'
import { createEndpointGate } from './endpoint-gate.ts'
import { INTERACTION_PREFIX, serveInteraction } from './interaction.ts'
import { createKeyRing, type KeyRing } from './key-ring.ts'
import { createMemoryState } from './memory-adapter.ts'

export interface IdentityProviderOptions {
  /** PEM text of the server certificate for `issuerHost`, and of its key */
  readonly cert: string
  readonly key: string
  /** PEM text of the CA that logout addresses are verified against */
  readonly ca: string
  /** 0 takes a free one */
  readonly port: number
  /** the name in the issuer, such as `localhost`; the socket is on 127.0.0.1 all the same */
  readonly issuerHost: string
  readonly signIn: SignInAddresses
}

export interface IdentityProvider {
  /** the issuer, `https://<issuerHost>:<port>`, without a trailing slash */
  readonly url: string
  close(): Promise<void>
}

/** Starts an OpenID provider over HTTPS with the accounts and clients of the demo. */
export async function createIdentityProvider(
  options: IdentityProviderOptions,
): Promise<IdentityProvider> {
  const keys = await createKeyRing()
  const server = createServer({ cert: options.cert, key: options.key })
  const url = `https://${options.issuerHost}:${await listen(server, options.port)}`
  await serve(server, url, keys, {
    state: createMemoryState(),
    cookieKeys: [randomBytes(32).toString('base64url')],
    signIn: options.signIn,
    fetch: createTrustingFetch(options.ca),
  })
  return { url, close: () => closeServer(server) }
}

async function serve(
  server: Server,
  issuer: string,
  keys: KeyRing,
  fixed: Omit<ProviderSettings, 'lifetimeSeconds' | 'isDisabled'>,
): Promise<void> {
  let lifetimeSeconds = LIFETIME_SECONDS
  const disabled = new Set<string>()
  const settings = {
    ...fixed,
    lifetimeSeconds: () => lifetimeSeconds,
    isDisabled: (username: string) => disabled.has(username),
  }
  const gate = createEndpointGate()
  // oidc-provider fixes its keys when it is built: a change of keys means another one on the same
  // state.
  let provider = buildProvider(issuer, keys, settings)
  const onKeysChanged = (): void => {
    provider = buildProvider(issuer, keys, settings)
  }
  const setLifetime = (seconds: number): void => void (lifetimeSeconds = seconds)
  const control = createControlApp(
    createDemoControl({ issuer, keys, gate, disabled, onKeysChanged, setLifetime }),
  )
  await control.ready()
  // Node's own server: oidc-provider takes its requests raw, and an outage cuts their connections.
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { path } = splitTarget(request.url ?? '')
    if (path.startsWith(CONTROL_PREFIX)) return control.routing(request, response)
    if (gate.intercept(path, request, response)) return
    if (!path.startsWith(INTERACTION_PREFIX)) return void provider.callback()(request, response)
    serveInteraction(provider, request, response).catch((error: unknown) => {
      report(error)
      response.destroy()
    })
  })
}

function buildProvider(issuer: string, keys: KeyRing, settings: ProviderSettings): Provider {
  const provider = new Provider(issuer, createConfiguration(settings, keys))
  provider.on('server_error', (_context, error) => report(error))
  provider.on('backchannel.error', (_context, error) => report(error))
  return provider
}

function report(error: unknown): void {
  process.stderr.write(`${JSON.stringify({ error: String(error) })}\n`)
}
