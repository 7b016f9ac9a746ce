import { runDirectory, stopDeployment } from './deployment.ts'
import { HOME } from './gateway.ts'
import { stoppedByAnother } from './root.ts'

const directory = runDirectory(HOME)
const exitCode = stoppedByAnother(directory)
if (exitCode === null) await stopDeployment(directory)
else process.exitCode = exitCode
