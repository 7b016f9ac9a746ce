const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/**
 * @param text such as `90s`, `30m`, `12h` or `7d`
 * @returns seconds; null for another form
 */
export function durationSeconds(text: string): number | null {
  const match = /^([1-9][0-9]{0,8})([smhd])$/.exec(text)
  const unit = SECONDS[match?.[2] ?? '']
  return match === null || unit === undefined ? null : Number(match[1]) * unit
}

/**
 * A time: epoch seconds, ISO 8601 with a zone, or a duration from now as `+2h` or `-30m`. A time
 * without a zone is rejected, because its meaning depends on the machine.
 *
 * @returns epoch seconds; null for another form
 */
export function momentSeconds(text: string, nowSeconds: number): number | null {
  if (/^[0-9]{1,12}$/.test(text)) return Number(text)
  const span = durationSeconds(text.slice(1))
  if (text.startsWith('+') && span !== null) return Math.ceil(nowSeconds + span)
  if (text.startsWith('-') && span !== null) return Math.max(0, Math.ceil(nowSeconds - span))
  const match = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.exec(text)
  const milliseconds = match === null || !isDay(match[1] ?? '') ? Number.NaN : Date.parse(text)
  return milliseconds >= 0 ? Math.ceil(milliseconds / 1000) : null
}

/** JavaScript reads 30 February as 2 March. */
function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}

/** Epoch seconds as `2026-11-26T18:00:00Z`. */
export function timeText(seconds: number): string {
  return new Date(Math.floor(seconds) * 1000).toISOString().replace('.000Z', 'Z')
}
