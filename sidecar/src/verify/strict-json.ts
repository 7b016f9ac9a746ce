/** A JSON object with unchecked members. Read it with `Object.hasOwn`. */
export interface JsonObject {
  readonly [name: string]: unknown
}

const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/g

/**
 * Parses a JSON object without repeated names at any depth (RFC 8259 section 4 leaves the meaning
 * of duplicates open, and two readers that choose differently see two tokens).
 *
 * @returns null for anything else
 */
export function parseStrictObject(text: string): JsonObject | null {
  const value = parse(text)
  if (!isObject(value)) return null
  // A valid text has one colon outside strings per member; JSON.parse merges duplicates.
  const written = text.replace(STRING, '').split(':').length - 1
  return written === countMembers(value) ? value : null
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

// A loop, because the sender chooses the nesting, which must not become stack depth.
function countMembers(root: object): number {
  let members = 0
  const pending: object[] = [root]
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    const children: unknown[] = Object.values(value)
    if (!Array.isArray(value)) members += children.length
    for (const child of children) {
      if (typeof child === 'object' && child !== null) pending.push(child)
    }
  }
  return members
}
