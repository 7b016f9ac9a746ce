import { describeKeyValues } from './key-values-contract.ts'
import { IMPLEMENTATIONS } from './key-values-under-test.ts'

describeKeyValues(IMPLEMENTATIONS)
