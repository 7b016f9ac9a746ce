import type { Clock } from '../domain/clock.ts'

/**
 * The machine's clocks. The monotonic clock (CLOCK_MONOTONIC) is the same for all its processes.
 */
export const SYSTEM_CLOCK: Clock = {
  nowSeconds: () => Date.now() / 1000,
  monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
}
