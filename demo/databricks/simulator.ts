import { createServer, type ServerOptions } from 'node:https'
import { createControlApp } from '../service/control-routes.ts'
import { closeServer, listen } from '../service/listen.ts'
import { createBehaviours } from './behaviour.ts'
import { computeRoutes } from './compute.ts'
import { trackConnections } from './connections.ts'
import { type AcceptedCredentials, createCredentialCheck } from './credential-check.ts'
import { createWebSocketEcho, driverProxyRoutes } from './driver-proxy.ts'
import type { Route } from './exchange.ts'
import { createFileStore } from './file-store.ts'
import { createFilesRoutes } from './files.ts'
import { createRequestLog, type RequestLog } from './request-log.ts'
import { servingRoutes } from './serving.ts'
import { createSimControl } from './sim-control.ts'
import { sqlRoutes } from './sql.ts'
import { workspaceRoutes } from './workspace.ts'
import { createWorkspaceListener } from './workspace-listener.ts'

export interface SimulatorOptions {
  /** PEM text of the certificate for the workspace's name, and of its key */
  readonly cert: string
  readonly key: string
  /** 0 takes a free one, also below */
  readonly port: number
  readonly controlPort: number
  /** value of the answers' `x-databricks-org-id` */
  readonly workspaceId: string
  readonly accepted: AcceptedCredentials
}

export interface Simulator {
  /** the workspace, `https://127.0.0.1:<port>`; its certificate is for the workspace's name */
  readonly url: string
  /** the control API, plain HTTP on another port */
  readonly controlUrl: string
  /** the recorded requests, for tests in the same process */
  readonly log: RequestLog
  close(): Promise<void>
}

const TLS_AND_HTTP: ServerOptions = {
  ALPNProtocols: ['http/1.1'],
  // A token of 30 KB has to fit; the bound on a body's time is the caller's to set.
  maxHeaderSize: 128 * 1024,
  requestTimeout: 0,
  keepAliveTimeout: 75_000,
  shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
}

const FIXED_ROUTES: readonly Route[] = [
  ...computeRoutes,
  ...workspaceRoutes,
  ...sqlRoutes,
  ...servingRoutes,
  ...driverProxyRoutes,
]

/** Starts a Databricks workspace of canned answers that records its requests. */
export async function createSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { cert, key, workspaceId } = options
  const server = createServer({ ...TLS_AND_HTTP, cert, key })
  const log = createRequestLog()
  const connections = trackConnections(server)
  const behaviours = createBehaviours()
  const echo = createWebSocketEcho()
  const store = await createFileStore()
  const checkCredential = createCredentialCheck(options.accepted)
  const routes = [...FIXED_ROUTES, ...createFilesRoutes(store)]
  const parts = { workspaceId, log, connections, behaviours, echo, checkCredential, routes }
  const listener = createWorkspaceListener(parts)
  server.on('request', listener.serve)
  server.on('upgrade', listener.serveUpgrade)
  const control = createControlApp(createSimControl(parts))
  await control.ready()
  return {
    // the control listens first: a client that reaches the workspace reaches the control, too
    controlUrl: `http://127.0.0.1:${await listen(control.server, options.controlPort)}`,
    url: `https://127.0.0.1:${await listen(server, options.port)}`,
    log,
    async close() {
      echo.close()
      await Promise.all([closeServer(server), closeServer(control.server)])
      await store.close()
    },
  }
}
