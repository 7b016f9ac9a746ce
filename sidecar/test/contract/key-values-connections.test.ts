import { describeKeyValues } from './key-values-contract.ts'
import { CONNECTIONS } from './key-values-under-test.ts'

describeKeyValues(CONNECTIONS)
