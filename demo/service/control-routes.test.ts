import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createControlApp } from './control-routes.ts'
import { BadCall } from './json.ts'
import { closeServer, listen } from './listen.ts'

const MAX_BODY_BYTES = 1024 * 1024
let app: ReturnType<typeof createControlApp>
let port: number

beforeAll(async () => {
  app = createControlApp({
    'POST /echo': ({ body, query }) => ({ body, name: query.get('name') }),
    'POST /nothing': () => undefined,
    'POST /bad': () => {
      throw new BadCall('bad')
    },
    'POST /broken': () => {
      throw new Error('broken')
    },
  })
  await app.ready()
  port = await listen(app.server, 0)
})

afterAll(() => closeServer(app.server))

async function post(path: string, body: string): Promise<{ status: number; answer: string }> {
  const [response] = await once(request({ port, path, method: 'POST' }).end(body), 'response')
  return { status: response.statusCode, answer: await text(response) }
}

describe('control routes', () => {
  it.each([
    ['/echo?name=a%20b', '{"a":1}', 200, '{"body":{"a":1},"name":"a b"}'],
    ['/echo', '', 200, '{"body":{},"name":null}'],
    ['/echo', '"\u00e9"', 200, '{"body":"\u00e9","name":null}'],
    ['/echo', '{', 400, '{"error":"body is not JSON"}'],
    ['/echo', ' '.repeat(MAX_BODY_BYTES + 1), 400, '{"error":"body over 1048576 bytes"}'],
    ['/nothing', '', 204, ''],
    ['/bad', '', 400, '{"error":"bad"}'],
    ['/broken', '', 500, '{"error":"broken"}'],
    ['/none', '', 404, '{"error":"no control route POST /none"}'],
    ['//', '', 404, '{"error":"no control route POST //"}'],
  ])('answer POST %s', async (path, body, status, answer) => {
    expect(await post(path, body)).toEqual({ status, answer })
  })
})
