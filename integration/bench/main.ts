import { benchGateway } from './gateway.ts'
import { benchSessions } from './sessions.ts'

await benchGateway()
await benchSessions()
