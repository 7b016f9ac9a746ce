import { hash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { ROUTES } from '../../http/routes.ts'
import { type Html, html } from './html.ts'

export interface Page {
  readonly title: string
  readonly body: Html
  /**
   * for a page with forms: their allowed target besides the gateway, including redirects of their
   * answers
   */
  readonly formOrigin?: string
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #2456d6 }
@media (prefers-color-scheme: dark) { :root { --accent: #8fb0ff } }
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText }
main { max-width: 44rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem }
.brand { font-weight: 600; letter-spacing: .02em; color: var(--accent); text-decoration: none }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1.5rem 0 .5rem }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem }
p { margin: .5rem 0 }
.quiet { opacity: .72; font-size: .9rem }
ul { list-style: none; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: .6rem }
li { display: flex; gap: 1rem; align-items: center; padding: .8rem 1rem }
li + li { border-top: 1px solid var(--line) }
li > div { flex: 1; min-width: 0; overflow-wrap: anywhere }
.badge { font-size: .78rem; padding: .1rem .5rem; border-radius: 1rem; background: var(--soft); border: 1px solid var(--line) }
button, .button { font: inherit; cursor: pointer; padding: .4rem .9rem; border-radius: .45rem; border: 1px solid var(--line); background: var(--soft); color: inherit; text-decoration: none; display: inline-block }
button:hover, .button:hover { border-color: var(--accent) }
.main { background: var(--accent); border-color: var(--accent); color: Canvas }
form { margin: 0 }
.actions { margin-top: 1.5rem }
`

const STYLE_SOURCE = `'sha256-${hash('sha256', STYLE, 'base64')}'`

/** Sends a page without scripts, foreign content, frames, caching, or referrers to linked sites. */
export function sendPage(reply: FastifyReply, status: number, page: Page): FastifyReply {
  return (
    reply
      .code(status)
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', policyFor(page))
      .header('x-content-type-options', 'nosniff')
      // With `no-referrer` browsers send `Origin: null` with a page's forms (Fetch, section 3.2),
      // which look like another site's forms.
      .header('referrer-policy', page.formOrigin === undefined ? 'no-referrer' : 'same-origin')
      .send(documentOf(page).markup)
  )
}

function policyFor({ formOrigin }: Page): string {
  const forms = formOrigin === undefined ? "'none'" : `'self' ${formOrigin}`
  return [
    "default-src 'none'",
    `style-src ${STYLE_SOURCE}`,
    `form-action ${forms}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}

function documentOf({ title, body }: Page): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - Brickgate</title>
<style>${{ markup: STYLE }}</style>
</head>
<body>
<main>
<a class="brand" href="${ROUTES.home}">Brickgate</a>
${body}
</main>
</body>
</html>
`
}
