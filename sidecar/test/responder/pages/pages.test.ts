import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csrfToken, isCsrfToken } from '../../../src/responder/pages/csrf.ts'
import { deviceName } from '../../../src/responder/pages/device.ts'
import { html } from '../../../src/responder/pages/html.ts'
import { sessionsBody } from '../../../src/responder/pages/sessions-body.ts'
import { NOW, OTHER_SESSION_ID, SESSION, SESSION_ID } from '../../support/session-fixture.ts'

describe('a template', () => {
  it('takes what is put in for text, and other templates for markup', () => {
    const inner = html`<b>${'<script>alert("1")</script>'}</b>`
    const list = [html`<li>${1}</li>`, html`<li>${null}</li>`]
    expect(html`<a title="${`"'&`}">${inner}${list}</a>`.markup).toBe(
      '<a title="&quot;&#39;&amp;"><b>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;</b><li>1</li><li></li></a>',
    )
  })

  it('lets no text begin or end an element or an attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(html`${text}`.markup).not.toMatch(/[<>"']/)
      }),
    )
  })
})

describe('the token of a form', () => {
  it('is of one session, and not the session id', () => {
    const token = csrfToken(SESSION_ID)
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(SESSION_ID).not.toContain(token)
    expect(csrfToken(OTHER_SESSION_ID)).not.toBe(token)
    expect(isCsrfToken(token, SESSION_ID)).toBe(true)
    expect(isCsrfToken(token, OTHER_SESSION_ID)).toBe(false)
  })

  it.each([
    null,
    '',
    'x',
    csrfToken(SESSION_ID).slice(1),
    `${csrfToken(SESSION_ID)}=`,
    'é'.repeat(43),
  ])('is not %j', (sent) => expect(isCsrfToken(sent, SESSION_ID)).toBe(false))
})

describe('a device', () => {
  const LINUX = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)'

  it.each([
    [`${LINUX} Chrome/156.0.0.0 Safari/537.36`, 'Chrome on Linux'],
    [`${LINUX} Chrome/156.0.0.0 Safari/537.36 Edg/156.0`, 'Edge on Linux'],
    ['Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Windows'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15', 'Safari on macOS'],
    ['Mozilla/5.0 (iPhone; like Mac OS X) CriOS/156.0 Safari/604.1', 'Chrome on iOS'],
    ['databricks-sdk-py/0.71.0 python/3.12 os/linux', 'databricks-sdk-py/0.71.0'],
    ['', 'Unknown device'],
    ['a'.repeat(500), 'a'.repeat(60)],
  ])('is recognised by %.60s', (userAgent, name) => expect(deviceName(userAgent)).toBe(name))
})

describe('the page about sessions', () => {
  const owner = { sid: SESSION.sid, principal: SESSION.principal }
  const bodyOf = (session: Partial<typeof SESSION>, lastSeenSeconds = NOW) =>
    sessionsBody(owner, {
      sessions: [{ session: { ...SESSION, ...session }, lastSeenSeconds }],
      csrf: 'the-csrf-token',
      nowSeconds: NOW,
    }).markup

  it('escapes what clients and the provider said', () => {
    const markup = bodyOf({ userAgent: '<img/src=x>', sourceIp: '"><script>' })
    expect(markup).toContain('&lt;img/src=x&gt;')
    expect(markup).toContain('&quot;&gt;&lt;script&gt;')
    expect(markup).not.toContain('<img')
  })

  it.each([
    [0, 'just now'],
    [59, 'just now'],
    [60, '1 minute ago'],
    [7199, '1 hour ago'],
    [200_000, '2 days ago'],
  ])('says when a session was seen %d seconds ago', (ago, text) => {
    expect(bodyOf({}, NOW - ago)).toContain(`last seen ${text}`)
  })

  it('tells this browser from programs and others', () => {
    const sid = 'b'.repeat(64)
    expect(bodyOf({})).toContain('this browser')
    expect(bodyOf({ sid, kind: 'program' })).toContain('>program<')
    expect(bodyOf({ sid, kind: 'browser' })).not.toContain('badge')
  })

  it('holds no token and no opaque id', () => {
    const markup = bodyOf({ refreshToken: 'the-refresh-token', idToken: 'eyJ.id.token' })
    expect(markup).not.toMatch(/eyJ|bgs_|the-refresh-token/)
    expect(markup).toContain('the-csrf-token')
  })
})
