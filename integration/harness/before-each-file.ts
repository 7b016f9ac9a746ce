import { startSharedStack } from './shared-stack.ts'

await startSharedStack()
