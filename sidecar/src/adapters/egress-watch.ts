import { connect, type Socket } from 'node:net'

/** Watches whether the egress answers. */
export interface EgressWatch {
  /** true from `frozenAfterMs` without an answer until the next answer */
  isFrozen(): boolean
  close(): void
}

export interface EgressWatchOptions {
  /** of the egress' unix socket */
  readonly path: string
  readonly everyMs: number
  readonly frozenAfterMs: number
  readonly nowMs: () => number
  readonly onChange: (isFrozen: boolean) => void
}

/** HAProxy rejects it without a proof, and writes no log line. */
const PROBE = 'GET /brickgate-health HTTP/1.0\r\n\r\n'

/**
 * Probes the egress again and again. The kernel still accepts connections for a stopped or hung
 * process, so lighttpd would wait for it as long as for a silent workspace.
 *
 * An unreachable egress is not frozen: lighttpd notices that itself and answers at once.
 */
export function watchEgress(options: EgressWatchOptions): EgressWatch {
  let probe: Socket | null = null
  let silentSinceMs: number | null = null
  let isFrozen = false
  const timer = setInterval(look, options.everyMs)

  function look(): void {
    const silentMs = silentSinceMs === null ? 0 : options.nowMs() - silentSinceMs
    settle(silentMs >= options.frozenAfterMs)
    if (probe === null) startProbe()
  }

  function startProbe(): void {
    silentSinceMs ??= options.nowMs()
    const socket = connect(options.path)
    probe = socket
    socket.once('connect', () => socket.write(PROBE))
    socket.once('data', () => {
      heard()
      socket.destroy()
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EAGAIN') heard() // EAGAIN: the accept queue is full
    })
    socket.once('close', () => {
      probe = null
    })
  }

  function heard(): void {
    silentSinceMs = null
    settle(false)
  }

  function settle(next: boolean): void {
    if (next === isFrozen) return
    isFrozen = next
    options.onChange(next)
  }

  return {
    isFrozen: () => isFrozen,
    close() {
      clearInterval(timer)
      probe?.destroy()
    },
  }
}
