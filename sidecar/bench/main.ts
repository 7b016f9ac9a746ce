import { benchGateway } from '../../integration/bench/gateway.ts'
import { benchSessions } from '../../integration/bench/sessions.ts'
import { benchFastCgi } from './fastcgi.ts'
import { benchNearCache } from './near-cache.ts'

await benchFastCgi()
await benchGateway()
await benchNearCache()
await benchSessions()
