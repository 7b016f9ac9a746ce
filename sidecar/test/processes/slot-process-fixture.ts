import { claimSlot } from '../../src/processes/slots.ts'

/**
 * A process that claims a slot of the folder it is given, says which, and holds it until it ends.
 */
const slot = await claimSlot(process.argv[2] ?? '')
process.send?.(slot.number)
