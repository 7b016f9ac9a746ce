import { expiryOfFile, expiryOfServer } from '../adapters/certificates.ts'
import type { Config } from '../config/schema.ts'
import { TIERS } from '../domain/tier.ts'
import type { DeploymentMetrics } from '../observe/deployment-metrics.ts'

const LOOK_EVERY_MS = 60_000
const HANDSHAKE_WITHIN_MS = 5000

/**
 * Reads every minute when the certificates of lighttpd and of the workspace end. An unreachable
 * certificate has no sample, such as the workspace's where only the egress may reach it.
 *
 * @param config returns the configuration in force
 * @returns a function that stops the watch
 */
export function watchCertificates(
  config: () => Config,
  metrics: Pick<DeploymentMetrics, 'certificateExpiry'>,
): () => void {
  const look = (): void => void lookAtCertificates(config(), metrics)
  look()
  const timer = setInterval(look, LOOK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/** Reads all certificates once. */
export async function lookAtCertificates(
  config: Config,
  metrics: Pick<DeploymentMetrics, 'certificateExpiry'>,
): Promise<void> {
  const publish = (certificate: string, expiresAtSeconds: number | null): void => {
    if (expiresAtSeconds === null) metrics.certificateExpiry.remove({ certificate })
    else metrics.certificateExpiry.set({ certificate }, expiresAtSeconds)
  }
  for (const tier of TIERS) publish(tier, expiryOfFile(config.tiers[tier].tls.certificate))
  publish('workspace', await endOfWorkspaces(config))
}

function endOfWorkspaces({ workspace }: Config): Promise<number | null> {
  const { host: name, address = `${name}:443` } = workspace
  return expiryOfServer(name, address, HANDSHAKE_WITHIN_MS)
}
