import { z } from 'zod'
import { configSchema } from './schema.ts'

/** The JSON Schema (2020-12) of `brickgate.yaml` as a person writes it, for editors. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' })
}
