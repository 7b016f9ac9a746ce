import cluster from 'node:cluster'

// Each process loads what it needs and no more: how soon a dead worker is replaced hangs on it.
if (cluster.isPrimary) {
  const { runCommand } = await import('./cli/command.ts')
  process.exitCode = await runCommand(process.argv.slice(2))
} else {
  const { runWorker } = await import('./worker.ts')
  runWorker()
}
