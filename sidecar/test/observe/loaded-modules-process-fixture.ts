// Prints the address of every module that the processes of a sidecar load before they are
// configured.
import { registerHooks } from 'node:module'

registerHooks({
  load(url, context, nextLoad) {
    process.stdout.write(`${url}\n`)
    return nextLoad(url, context)
  },
})

await import('../../src/processes/worker.ts')
await import('../../src/processes/supervisor.ts')
await import('../../src/processes/primary.ts')
await import('../../src/responder/server.ts')
process.exit(0)
