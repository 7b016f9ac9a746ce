import { createLog } from '../../src/observe/log.ts'
import { endOnUnexpected } from '../../src/processes/unexpected-end.ts'

/** As ioredis rejects: with the command attached, and so with what may be secret. */
function rejection(): Error {
  return Object.assign(new Error('Command timed out'), {
    command: { name: 'auth', args: ['hunter2'] },
  })
}

endOnUnexpected(createLog('fixture'))
if (process.argv[2] === 'rejection') void Promise.reject(rejection())
else
  setImmediate(() =>
    Promise.resolve().then(() =>
      queueMicrotask(() => {
        throw rejection()
      }),
    ),
  )
setTimeout(() => undefined, 10_000)
