import { runDirectory, stopDeployment } from './deployment.ts'
import { HOME } from './gateway.ts'

await stopDeployment(runDirectory(HOME))
