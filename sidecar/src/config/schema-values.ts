import { z } from 'zod'

/** What several sections of `brickgate.yaml` hold. */
export const text = z.string().min(1)

export const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[0-9A-Za-z.-]+):[0-9]{1,5}$/, 'must be host:port')
  .refine((text) => isPort(text.slice(text.lastIndexOf(':') + 1)), 'must end with a port')

function isPort(digits: string): boolean {
  return Number(digits) >= 1 && Number(digits) <= 65_535
}
