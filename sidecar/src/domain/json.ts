/** @returns undefined for text that is not JSON, which no JSON text yields */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
