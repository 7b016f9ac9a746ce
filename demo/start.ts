import { startGateway } from '../launch/deployment.ts'
import type { LighttpdProgram } from '../launch/gateway.ts'
import { startProcess } from '../launch/process.ts'
import type { Config } from '../sidecar/src/config/schema.ts'
import type { Demo } from './demo.ts'
import { simulatedProcesses } from './processes.ts'

/** Starts a prepared demo: Redis and the simulated services first, then the gateway. */
export async function startDemo(demo: Demo, lighttpd: LighttpdProgram): Promise<Config> {
  for (const simulated of simulatedProcesses(demo)) await startProcess(simulated, demo.directory)
  return startGateway(demo.configFile, demo.directory, lighttpd)
}
