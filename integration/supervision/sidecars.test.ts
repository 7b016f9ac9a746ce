import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, readdirSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { isRunning } from '../../launch/process.ts'
import { claimSlot, type Slot } from '../../sidecar/src/processes/slots.ts'
import { decodeReplies } from '../../sidecar/test/fcgi/decode-fixture.ts'
import { authorizerRequest } from '../../sidecar/test/fcgi/encode-fixture.ts'
import { connect, exchange } from '../../sidecar/test/fcgi/server-fixture.ts'
import { auditLines, type StackClient, stackClient } from '../harness/client.ts'
import { run } from '../harness/commands.ts'
import { pidOf, socketPath } from '../harness/processes.ts'
import { startStack, stopStack } from '../harness/stack.ts'
import {
  BRICKGATE,
  type FurtherSidecar,
  serveArguments,
  startFurther,
  writeConfig,
} from './further-sidecar.ts'
import { type Caller, callers, expectRightVerdicts, isVerdict, startLoad } from './load.ts'

let stack: StackClient
let everyone: readonly [Caller, ...Caller[]]
let second: FurtherSidecar
const further: FurtherSidecar[] = []
const claimed: Slot[] = []

beforeAll(async () => {
  stack = stackClient(await startStack())
  everyone = await callers(stack)
  second = await startAnother()
})

beforeEach(() => stack.forgetUpstreamRequests())

afterAll(async () => {
  for (const slot of claimed) slot.release()
  for (const sidecar of further) await sidecar.stop()
  stack.close()
  await stopStack(stack.info)
})

it('a second sidecar takes the next slot, and both decide', async () => {
  expect(second.slot).toBe(1)
  const before = auditLines(stack.info).length
  const load = startLoad(stack, everyone)
  await someTime(500)
  const outcomes = await load.stop()

  expect(outcomes.filter((outcome) => !isVerdict(outcome))).toEqual([])
  await vi.waitFor(() => expect(auditLines(stack.info).length - before).toBe(outcomes.length))
})

it('SIGTERM of one sidecar under load loses no request: each gets its own verdict', async () => {
  const before = auditLines(stack.info).length
  const load = startLoad(stack, everyone)
  await someTime(500)
  await second.stop()
  await someTime(500)
  const outcomes = await load.stop()

  expect(isRunning(second.pid)).toBe(false)
  expect(socketsOf(1)).toEqual([])
  expect(outcomes.filter((outcome) => !isVerdict(outcome))).toEqual([])
  await expectRightVerdicts(stack, outcomes)
  await vi.waitFor(() => expect(auditLines(stack.info).length - before).toBe(outcomes.length))
})

it('a sidecar told to end answers what it has accepted, even what is not all there yet', async () => {
  second = await startAnother()
  expect(second.slot).toBe(1)
  const id = randomBytes(16).toString('hex')
  const bytes = authorizerRequest([
    ['BRICKGATE_TARGET', '/api/2.1/clusters/list'],
    ['BRICKGATE_METHOD', 'GET'],
    ['BRICKGATE_REQUEST_ID', id],
    ['HTTP_AUTHORIZATION', `Bearer ${everyone[0].token}`],
  ])
  const socket = socketPath(stack.info, 'authorizer-internal-1')
  linkSync(socket, `${socket}.kept`)
  const client = connect(socket)
  client.socket.write(bytes.subarray(0, 40))
  await someTime(200)

  const stopped = second.stop()
  await vi.waitFor(() => expect(socketsOf(1)).toEqual([]), { timeout: 5000, interval: 10 })
  // a request that was on its way when the socket's name disappeared is served like any other
  const onItsWay = await exchange(`${socket}.kept`, bytes)
  expect(decodeReplies(onItsWay)).toMatchObject([{ status: 200 }])
  await someTime(1000) // until after the listeners are closed
  expect(isRunning(second.pid)).toBe(true)
  client.socket.write(bytes.subarray(40))

  expect(decodeReplies(await client.ended)).toMatchObject([{ status: 200 }])
  client.socket.end()
  await stopped
  expect((await stack.auditOf(id)).reason).toBe('allowed')
})

it('kill -9 of one sidecar under load costs no wrong verdict, and the other serves on', async () => {
  second = await startAnother()
  const load = startLoad(stack, everyone)
  await someTime(500)
  const killedMs = performance.now()
  process.kill(second.pid, 'SIGKILL')
  await someTime(1500)
  const outcomes = await load.stop()

  await expectRightVerdicts(stack, outcomes)
  const later = outcomes.filter(({ sentMs }) => sentMs > killedMs + 500)
  expect(later.length).toBeGreaterThan(50)
  expect(later.filter((outcome) => !isVerdict(outcome))).toEqual([])
})

it('the slot of a dead sidecar, with its stale sockets, is taken by the next', async () => {
  expect(socketsOf(1)).not.toEqual([])
  second = await startAnother()
  expect(second.slot).toBe(1)
  const reply = connect(socketPath(stack.info, 'authorizer-internal-1'))
  await reply.roundTrip()
})

it('a sidecar whose admin port is taken ends with an error, and leaves no slot behind', async () => {
  const { code, stderr } = await serve(stack.info.config.admin.listen)
  expect(code).toBe(1)
  expect(stderr).toMatch(/^brickgate: .*EADDRINUSE.*\n$/)
  expect(readdirSync(stack.info.config.runtime.directory)).not.toContain('slot-2.lock')
})

it('a fifth sidecar refuses to start and says why, and the four go on', async () => {
  const directory = stack.info.config.runtime.directory
  claimed.push(await claimSlot(directory), await claimSlot(directory))
  expect(claimed.map((slot) => slot.number)).toEqual([2, 3])

  const { code, stdout, stderr } = await serve('127.0.0.1:1')
  expect({ code, stdout, stderr }).toEqual({
    code: 1,
    stdout: '',
    stderr: `brickgate: all 4 slots in \`${directory}\` are taken\n`,
  })
  expect((await stack.sendAs(everyone[0].token, '/api/2.1/clusters/list')).status).toBe(200)
})

it('SIGTERM of the last sidecar under load: what was sent before gets its verdict, the rest 503', async () => {
  await second.stop()
  const primary = pidOf(stack.info, 'sidecar')
  const before = auditLines(stack.info).length
  const load = startLoad(stack, everyone)
  await someTime(500)
  const endedMs = performance.now()
  process.kill(primary, 'SIGTERM')
  await vi.waitFor(() => expect(isRunning(primary)).toBe(false), { timeout: 15_000 })
  await someTime(300)
  const outcomes = await load.stop()

  await expectRightVerdicts(stack, outcomes)
  const early = outcomes.filter(({ answeredMs }) => answeredMs < endedMs)
  expect(early.filter((outcome) => !isVerdict(outcome))).toEqual([])
  const checked = outcomes.filter(isVerdict)
  expect(checked.length).toBeLessThan(outcomes.length)
  expect(auditLines(stack.info).length - before).toBe(checked.length)
  expect(socketsOf(0)).toEqual([])
})

async function startAnother(): Promise<FurtherSidecar> {
  const sidecar = await startFurther(stack.info, `sidecar-further-${further.length}`)
  further.push(sidecar)
  return sidecar
}

function serve(admin: string): ReturnType<typeof run> {
  return run(BRICKGATE, serveArguments(writeConfig(stack.info, 'sidecar-late', admin)))
}

/** The sockets of a slot that are there, be they alive or not. */
function socketsOf(slot: number): readonly string[] {
  const names = ['authorizer-internal', 'authorizer-external', 'responder']
  return names.map((name) => socketPath(stack.info, `${name}-${slot}`)).filter(existsSync)
}

function someTime(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
