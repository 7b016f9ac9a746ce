import type { FastifyReply } from 'fastify'
import { errorAnswer } from '../domain/error-answer.ts'
import type { Reply } from '../fcgi/reply.ts'

/** An error of the responder itself, in Databricks' own format. */
export function sendError(reply: FastifyReply, status: number, message: string): FastifyReply {
  return reply.code(status).send({ error_code: errorAnswer(status).errorCode, message })
}

/** Sends a decision's refusal. */
export function sendReply(reply: FastifyReply, refusal: Reply): FastifyReply {
  for (const [name, value] of refusal.headers) reply.header(name, value)
  return reply.code(refusal.status).send(refusal.body)
}
