/**
 * Reads a JSON answer as the type that the caller expects; nothing is validated.
 *
 * @throws with status and text for anything but 2xx
 */
export async function readJson<T>(response: Response): Promise<T> {
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${text}`)
  const value: T = JSON.parse(text === '' ? 'null' : text)
  return value
}
