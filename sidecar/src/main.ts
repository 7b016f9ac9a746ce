import cluster from 'node:cluster'
import { url as debuggerAddress } from 'node:inspector'

// INVARIANT: no sidecar process opens a debugger, whose port runs code for every user of the
// machine. A process that was started without `--disable-sigusr1` ignores SIGUSR1 by this listener,
// which is never removed.
process.on('SIGUSR1', () => undefined)
if (debuggerAddress() !== undefined) {
  process.stderr.write('brickgate: Node has a debugger open; start without --inspect\n')
  process.exit(78)
}

// Each process loads only its own modules, because loading delays the replacement of a dead worker.
if (cluster.isPrimary) {
  const { runCommand } = await import('./cli/command.ts')
  process.exitCode = await runCommand(process.argv.slice(2))
} else {
  const { runWorker } = await import('./processes/worker.ts')
  runWorker()
}
