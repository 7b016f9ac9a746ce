import type { IncomingMessage, ServerResponse } from 'node:http'
import { errors, type Provider } from 'oidc-provider'
import { readText } from '../service/json.ts'
import { findAccount } from './accounts.ts'
import { signInPage } from './pages.ts'

/** Where oidc-provider sends browsers that have to sign in; its default. */
export const INTERACTION_PREFIX = '/interaction/'

const MAX_FORM_BYTES = 4096

/** Serves the sign-in form, which has no password, and agrees to every other prompt. */
export async function serveInteraction(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const name = await findPrompt(provider, request, response)
  if (name === null) return sendPage(response, 400, 'This sign-in is over.\n')
  if (name !== 'login') {
    return provider.interactionFinished(request, response, { consent: {} })
  }
  if (request.method !== 'POST') return sendPage(response, 200, signInPage(''))
  const form = new URLSearchParams(await readText(request, MAX_FORM_BYTES))
  const account = findAccount(form.get('username') ?? '')
  if (account === null) return sendPage(response, 400, signInPage('Nobody has this name.'))
  await provider.interactionFinished(request, response, { login: { accountId: account.username } })
}

/** @returns null when the browser's interaction cookie is missing or too old */
async function findPrompt(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<string | null> {
  try {
    return (await provider.interactionDetails(request, response)).prompt.name
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return null
    throw error
  }
}

function sendPage(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8' })
  response.end(html)
}
