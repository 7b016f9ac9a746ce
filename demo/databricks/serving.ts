import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { parseCall, parseJson, readText, sendJson } from '../service/json.ts'
import type { Exchange, Route } from './exchange.ts'

const MAX_BODY_BYTES = 16 * 1024 * 1024
const EVENT_INTERVAL_MS = 200

const Invocation = z.object({
  stream: z.boolean().default(false),
  max_tokens: z.int().min(1).max(100).default(5),
})

/**
 * Model serving: a completion of `max_tokens` words, at once or as server-sent events 200 ms apart.
 */
export const servingRoutes: readonly Route[] = [
  ['POST', /^\/serving-endpoints\/[\w.-]+\/invocations$/, invoke],
]

async function invoke({ response, body, gone }: Exchange): Promise<void> {
  const call = parseCall(Invocation, parseJson(await readText(body, MAX_BODY_BYTES)))
  const words = Array.from({ length: call.max_tokens }, (_, index) => `word${index} `)
  if (!call.stream) {
    const message = { role: 'assistant', content: words.join('') }
    return sendJson(response, 200, { object: 'chat.completion', choices: [{ index: 0, message }] })
  }
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
  for (const content of words) {
    const choices = [{ index: 0, delta: { content } }]
    writeEvent(response, JSON.stringify({ object: 'chat.completion.chunk', choices }))
    await sleep(EVENT_INTERVAL_MS, undefined, { signal: gone })
  }
  writeEvent(response, '[DONE]')
  response.end()
}

function writeEvent(response: Exchange['response'], value: string): void {
  response.write(`data: ${value}\n\n`)
}
