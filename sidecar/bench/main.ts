import { benchFastCgi } from './fastcgi.ts'
import { benchGateway } from './gateway.ts'
import { benchNearCache } from './near-cache.ts'
import { benchSessions } from './sessions.ts'

await benchFastCgi()
await benchGateway()
await benchNearCache()
await benchSessions()
