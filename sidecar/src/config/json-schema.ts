import { z } from 'zod'
import { configSchema } from './schema.ts'

/** A text with a reference; its value is known only after resolving. */
const REFERENCE = { type: 'string', pattern: '\\$\\{(env|file):[^}]+\\}' } as const

/** The JSON Schema (2020-12) of `brickgate.yaml` as people write it, for editors. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => {
      if (jsonSchema.type !== 'string') return
      const { pattern, format, enum: values } = jsonSchema
      if (pattern ?? format ?? values) acceptReference(jsonSchema)
    },
  })
}

function acceptReference(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  const strict = { ...jsonSchema }
  for (const key of Object.keys(jsonSchema)) delete jsonSchema[key]
  jsonSchema.anyOf = [strict, REFERENCE]
}
