import { jsonPacket, MAX_PACKET_DATA, PACKET, parseExit } from '../../../monitor/protocol.ts'
import { requireContainer } from '../../../storage/container/find.ts'
import type { ContainerRecord } from '../../../storage/container/record.ts'
import { effectiveState } from '../../../storage/container/state.ts'
import { ownFd, readFd, writeFd } from '../../../syscall/fd.ts'
import type { Engine } from '../../engine.ts'
import { awaitProcess, awaitRecorded, isLive } from '../lifecycle.ts'
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
  writeFd(socket.fd, jsonPacket(PACKET.hello, { input: false, output: false }))
  const buffer = new Uint8Array(MAX_PACKET_DATA + 1)
  for (;;) {
    const length = readFd(socket.fd, buffer)
    if (length === 0) return undefined
    if (buffer[0] === PACKET.exit) return parseExit(buffer.subarray(1, length)).exitCode
  }
}

function recordedCode({ store }: Engine, { id }: ContainerRecord): number {
  const state = effectiveState(store, id)
  if (state.status === 'created') return 0
  return state.status === 'exited' ? (state.exitCode ?? UNKNOWN) : UNKNOWN
}
