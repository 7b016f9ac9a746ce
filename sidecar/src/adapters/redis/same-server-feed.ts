import type { Redis } from 'ioredis'
import type { InvalidationFeed } from '../../near-cache/feed.ts'
import { serverIdOf } from './primary.ts'

/**
 * A feed that names its server only while commands go to the same server.
 *
 * INVARIANT: during a failover the two connections may reach different servers; a key that is
 * missing on one server was not lifted on the other.
 */
export function createSameServerFeed(feed: InvalidationFeed, commands: Redis): InvalidationFeed {
  let commandedId: string | null = null
  let isIdentifying = false
  const startIdentifying = (): void => void identify()
  commands.on('close', () => {
    commandedId = null
  })
  commands.on('ready', startIdentifying)
  if (commands.status === 'ready') startIdentifying()

  return {
    ...feed,
    serverId() {
      if (commandedId === null) startIdentifying()
      return feed.serverId() === commandedId ? commandedId : null
    },
  }

  async function identify(): Promise<void> {
    if (isIdentifying) return
    isIdentifying = true
    try {
      commandedId = serverIdOf(await commands.info())
    } catch {
      commandedId = null // read again when it is needed
    } finally {
      isIdentifying = false
    }
  }
}
