import { z } from 'zod'
import { parseAddress } from '../domain/address.ts'

/** Values that several sections of `brickgate.yaml` share. */
export const text = z.string().min(1)

export const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[0-9A-Za-z.-]+):[0-9]{1,5}$/, 'must be host:port')
  .refine((text) => isPort(parseAddress(text).port), 'must end with a port')

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535
}
