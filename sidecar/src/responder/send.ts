import type { FastifyReply } from 'fastify'
import type { Reply } from '../fcgi/reply.ts'

const ERROR_CODES: Readonly<Record<number, string>> = {
  404: 'NOT_FOUND',
  413: 'REQUEST_ENTITY_TOO_LARGE',
  500: 'INTERNAL_ERROR',
}

/** An error of the responder itself, as Databricks' own services write it. */
export function sendError(reply: FastifyReply, status: number, message: string): FastifyReply {
  const error_code = ERROR_CODES[status] ?? 'BAD_REQUEST'
  return reply.code(status).send({ error_code, message })
}

/** The refusal of a decision. */
export function sendReply(reply: FastifyReply, refusal: Reply): FastifyReply {
  for (const [name, value] of refusal.headers) reply.header(name, value)
  return reply.code(refusal.status).send(refusal.body)
}
