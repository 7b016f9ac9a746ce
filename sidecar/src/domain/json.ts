/** @returns undefined for text that is not JSON; no JSON text yields undefined */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
