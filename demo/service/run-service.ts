/** A started service. */
export interface RunningService {
  readonly close: () => Promise<void>
}

/**
 * Announces a started service as the one line `{"listening":…}` on stdout and stops it on SIGTERM
 * or SIGINT; the process then ends by itself.
 *
 * @param listening addresses of the service, such as its URLs
 */
export function runUntilSignalled(service: RunningService, listening: object): void {
  process.stdout.write(`${JSON.stringify({ listening })}\n`)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void service.close())
  }
}
