/**
 * Closes a union: the compiler rejects a call while a case is missing.
 *
 * @throws {TypeError} when reached at run time, which is a programming error
 */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected case: ${String(value)}`)
}
