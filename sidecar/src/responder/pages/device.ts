const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\b(?:Headless)?Chrome\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
]
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b|\biPad\b/, 'iOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
]
const MAX_LENGTH = 60

/** A short name of a device for its owner: browser and system, or the name of a program. */
export function deviceName(userAgent: string): string {
  const browser = named(BROWSERS, userAgent)
  const system = named(SYSTEMS, userAgent)
  if (browser !== null) return system === null ? browser : `${browser} on ${system}`
  const [product = ''] = userAgent.split(' ')
  return product.slice(0, MAX_LENGTH) || 'Unknown device'
}

function named(rows: readonly (readonly [RegExp, string])[], userAgent: string): string | null {
  return rows.find(([pattern]) => pattern.test(userAgent))?.[1] ?? null
}
