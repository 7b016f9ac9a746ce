import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { send } from '../harness/answer.ts'
import { type StackClient, stackClient } from '../harness/client.ts'
import { sharedStack } from '../harness/shared-stack.ts'
import { requestIdOf } from '../harness/upstream.ts'
import { EDGES } from './edges.ts'

/** As the Databricks CLI names files: the whole remote path is one escaped name. */
const IMPORTED =
  '/api/2.0/workspace-files/import-file/Workspace%2FUsers%2Fpat%40example.com%2Ff.py?overwrite=true'
const UPLOADED = '/api/2.0/fs/files/Volumes%2Fmain%2Fdefault%2Fv%2Fa.txt'
const DIRECTORY = '/api/2.0/fs/directories/Volumes%2Fmain%2Fdefault%2Fv'

let stack: StackClient
let admin: string

beforeAll(async () => {
  stack = stackClient(sharedStack())
  admin = await stack.mint({ sub: 'admin', groups: ['platform-admins'] })
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(() => stack.close())

describe.each(EDGES)("the Databricks CLI's own paths pass lighttpd $version as sent:", (edge) => {
  it.each<[what: string, method: string, target: string, status: number]>([
    ['bundle deploy and sync write a file of the workspace', 'POST', IMPORTED, 200],
    ['fs cp writes a file of a volume', 'PUT', UPLOADED, 204],
    ['fs cp looks for a file of a volume', 'HEAD', UPLOADED, 200],
    ['fs mkdir makes a folder of a volume', 'PUT', DIRECTORY, 204],
    ['fs rm removes a file of a volume', 'DELETE', UPLOADED, 204],
  ])(
    'the Databricks CLI’s own paths pass lighttpd as sent: %s (%s %s)',
    async (what, method, target, status) => {
      const isUpload = method === 'POST' || method === 'PUT'
      const headers = { authorization: `Bearer ${admin}`, ...(isUpload ? {} : { 'x-empty': '1' }) }
      const answer = await send(stack.listener('internal', edge), target, {
        method,
        headers,
        ...(isUpload ? { body: what } : {}),
      })
      expect(answer.status).toBe(status)
      const [request] = await stack.upstreamRequests()
      expect(request).toMatchObject({ method, target })
      const [path] = target.split('?')
      expect(await stack.auditOf(requestIdOf(request))).toMatchObject({ decision: 'allow', path })
    },
  )

  it('the Databricks CLI’s own paths pass lighttpd as sent: a file that was written by its escaped name is read by the plain one', async () => {
    const options = { headers: { authorization: `Bearer ${admin}` } }
    const listener = stack.listener('internal', edge)
    await send(listener, UPLOADED, { ...options, method: 'PUT', body: edge.version })
    const answer = await send(listener, UPLOADED.replaceAll('%2F', '/'), options)
    expect(answer).toMatchObject({ status: 200, body: edge.version })
  })
})
