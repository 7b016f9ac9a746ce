import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { fetchStatus, newPerson, signInAtProvider, startChromium } from '../sign-in/chromium.ts'
import { type ComposeProject, composeProject } from './project.ts'

const { missing } = inject('containers')

const CLUSTERS = '/api/2.1/clusters/list'

describe.skipIf(missing !== null)('in Chromium, at the composed gateway, a person', () => {
  let project: ComposeProject
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    project = await composeProject('a', { sidecars: 2 })
    browser = await startChromium()
    page = await (await newPerson(browser)).newPage()
  })
  afterAll(() => browser.close())

  it('in Chromium, at the composed gateway, a person signs in and comes back to the page asked for', async () => {
    const asked = `${project.setting('BRICKGATE_URL')}${CLUSTERS}`
    await page.goto(asked)
    await signInAtProvider(page, 'alice')
    await page.waitForURL(asked)
    expect(await page.textContent('body')).toContain('clusters')
    for (let requests = 0; requests < 4; requests += 1) {
      expect(await fetchStatus(page, CLUSTERS)).toBe(200) // of whichever sidecar
    }
  })

  it('in Chromium, at the composed gateway, a person is out at once when they sign out at the provider', async () => {
    const provider = await page.context().newPage()
    await provider.goto(`${await issuer()}/session/end`)
    await provider.getByRole('button', { name: 'Sign out' }).click()
    await provider.waitForLoadState()
    for (let requests = 0; requests < 4; requests += 1) {
      expect(await fetchStatus(page, CLUSTERS)).toBe(401)
    }
  })

  /** Where the demo's provider is, by the redirect of a sign-in. */
  async function issuer(): Promise<string> {
    const visitor = await (await newPerson(browser)).newPage()
    await visitor.goto(`${project.setting('BRICKGATE_URL')}${CLUSTERS}`)
    return new URL(visitor.url()).origin
  }
})
