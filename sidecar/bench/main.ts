import { benchFastCgi } from './fastcgi.ts'
import { benchGateway } from './gateway.ts'

await benchFastCgi()
await benchGateway()
