import { isErrno } from '../../../base/errors.ts'
import { readOrEnd } from '../../../monitor/outlet.ts'
import { jsonPacket, MAX_PACKET_DATA, PACKET, parseExit } from '../../../monitor/protocol.ts'
import { requireContainer } from '../../../storage/container/find.ts'
import type { ContainerRecord } from '../../../storage/container/record.ts'
import { effectiveState, isLive } from '../../../storage/container/state.ts'
import { ownFd, writeFd } from '../../../syscall/fd.ts'
import type { Engine } from '../../engine.ts'
import { awaitProcess, awaitRecorded } from '../lifecycle.ts'
import { connectMonitor } from './socket.ts'

/** Nobody saw the end. */
const UNKNOWN = -1

/** Blocks until a container does not run any more; gives its exit code, -1 where nobody knows it. @throws BryoError NOT_FOUND */
export function waitForContainer(engine: Engine, name: string): number {
  const record = requireContainer(engine.store, name)
  const state = effectiveState(engine.store, record.id)
  if (!isLive(state)) return recordedCode(engine, record)
  const told = waitForNotice(engine, record)
  if (told !== undefined) return told
  awaitProcess(state.process, -1)
  awaitRecorded(engine, record, state)
  return recordedCode(engine, record)
}

/** The end as the monitor tells it: the only way to learn that of a `--rm` container. */
function waitForNotice({ store }: Engine, record: ContainerRecord): number | undefined {
  const fd = connectMonitor(store, record.id)
  if (fd === undefined) return undefined
  using socket = ownFd(fd)
  sayHello(socket.fd)
  const buffer = new Uint8Array(MAX_PACKET_DATA + 1)
  for (;;) {
    const length = readOrEnd(socket.fd, buffer)
    if (!length) return undefined
    if (buffer[0] === PACKET.exit) return parseExit(buffer.subarray(1, length)).exitCode
  }
}

/** A monitor that has just ended may have said how before. */
function sayHello(fd: number): void {
  try {
    writeFd(fd, jsonPacket(PACKET.hello, { input: false, output: false }))
  } catch (error) {
    if (!isErrno(error, 'EPIPE', 'ECONNRESET')) throw error
  }
}

function recordedCode({ store }: Engine, { id }: ContainerRecord): number {
  const state = effectiveState(store, id)
  if (state.status === 'created') return 0
  return state.status === 'exited' ? (state.exitCode ?? UNKNOWN) : UNKNOWN
}
