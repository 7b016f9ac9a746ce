import { benchFastCgi } from './fastcgi.ts'
import { benchNearCache } from './near-cache.ts'

await benchFastCgi()
await benchNearCache()
