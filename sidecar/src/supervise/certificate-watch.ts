import { readFile } from 'node:fs/promises'
import { expiryOfFile, type ShownCertificate, shownCertificate } from '../adapters/certificates.ts'
import type { Config } from '../config/schema.ts'
import { TIERS } from '../domain/tier.ts'
import type { DeploymentMetrics } from '../observe/deployment-metrics.ts'

const LOOK_EVERY_MS = 60_000
const HANDSHAKE_WITHIN_MS = 5000

/**
 * Looks every minute when the certificates of lighttpd and of the workspace end, and whether the
 * workspace is there. What cannot be seen has no sample.
 *
 * @param config the one in force
 * @returns ends it
 */
export function watchCertificates(
  config: () => Config,
  metrics: Pick<DeploymentMetrics, 'certificateExpiry' | 'workspaceUp'>,
): () => void {
  const look = (): void => void lookAtCertificates(config(), metrics)
  look()
  const timer = setInterval(look, LOOK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/** Looks once. */
export async function lookAtCertificates(
  config: Config,
  metrics: Pick<DeploymentMetrics, 'certificateExpiry' | 'workspaceUp'>,
): Promise<void> {
  const tell = (certificate: string, expiresAtSeconds: number | null): void => {
    if (expiresAtSeconds === null) metrics.certificateExpiry.remove({ certificate })
    else metrics.certificateExpiry.set({ certificate }, expiresAtSeconds)
  }
  for (const tier of TIERS) tell(tier, expiryOfFile(config.tiers[tier].tls.certificate))
  const shown = await ofWorkspace(config)
  tell('workspace', shown?.expiresAtSeconds ?? null)
  metrics.workspaceUp.set(shown?.isTrusted === true ? 1 : 0)
}

async function ofWorkspace({ workspace }: Config): Promise<ShownCertificate | null> {
  const { host: name, address = `${name}:443`, ca_file } = workspace
  try {
    const ca = await readFile(ca_file, 'utf8')
    return await shownCertificate({ name, address, ca }, HANDSHAKE_WITHIN_MS)
  } catch {
    return null // without its authorities nothing is trusted, and that is what is told
  }
}
