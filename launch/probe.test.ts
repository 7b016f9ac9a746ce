import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { accepts } from './probe.ts'

it.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '[::1]'],
])('a server on %s accepts connections at %s', async (host, written) => {
  const server = createServer((socket) => socket.destroy()).listen(0, host)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  expect(await accepts(`${written}:${port}`)).toBe(true)
})

it.each(['127.0.0.1:1', '[::1]:1', '/nonexistent/socket'])(
  'nothing accepts connections at %s without a server',
  async (address) => {
    expect(await accepts(address)).toBe(false)
  },
)
