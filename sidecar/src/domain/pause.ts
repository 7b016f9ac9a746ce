/**
 * How long to pause after failures in a row: twice as long after each, up to `longestMs`.
 *
 * @param failures 0 for no pause
 */
export function pauseMs(failures: number, firstMs: number, longestMs: number): number {
  return failures === 0 ? 0 : Math.min(firstMs * 2 ** (failures - 1), longestMs)
}
