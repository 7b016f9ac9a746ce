import type { FromWorker, ToWorker } from '../../src/processes/messages.ts'

/** The behaviour of a test's worker, sent in place of a configuration. */
export type Behaviour =
  | 'serves'
  | 'ends at once'
  | 'cannot start'
  | 'ends once ready'
  | 'never gets ready'
  | 'only listens'
  | 'falls silent'
  | 'does not drain'

function send(message: FromWorker): void {
  process.send?.(message)
}

function behave(behaviour: Behaviour): void {
  if (behaviour === 'ends at once') process.exit(1)
  if (behaviour === 'cannot start') return fail()
  if (behaviour === 'never gets ready') return
  send({ type: 'listening' })
  if (behaviour === 'only listens') return
  send({ type: 'ready' })
  if (behaviour === 'ends once ready') setImmediate(() => process.exit(1))
  if (behaviour !== 'falls silent') setInterval(() => send({ type: 'alive' }), 50)
}

function fail(): void {
  process.send?.({ type: 'failed', message: 'no file' }, undefined, undefined, () =>
    process.exit(1),
  )
}

let behaviour: Behaviour = 'serves'
process.once('disconnect', () => process.exit(0))
process.on('message', (message: ToWorker) => {
  if (message.type === 'start') {
    behaviour = message.loaded as unknown as Behaviour
    behave(behaviour)
  }
  if (message.type === 'drain' && behaviour !== 'does not drain') process.exit(0)
})
