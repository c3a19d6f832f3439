import { chmodSync, closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { isErrno } from '../../base/errors.ts'
import type { NotifyMode } from '../../base/notify.ts'
import type { SpecMount } from '../../runtime/spec.ts'
import { type ContainerRecord, containerRunDirectory } from '../../storage/container/record.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { O } from '../../syscall/file.ts'
import { bindUnixDatagram, sendToUnix, unixDatagramSocket } from '../../syscall/socket.ts'
import type { Engine } from '../engine.ts'
import type { ContainerRequest } from './request.ts'

/** Where the container finds the socket by which it tells that it is ready. */
const DIRECTORY = '/run/notify'
const NAME = 'notify.sock'

export interface Notification extends Disposable {
  readonly mode: Exclude<NotifyMode, 'ignore'>
  /** The service manager's. */
  readonly hostSocket: string
  /** Receives what the container sends; in mode `container` only. */
  readonly proxyFd: number | undefined
  /** For the container. */
  readonly mounts: readonly SpecMount[]
  readonly env: readonly string[]
}

/** undefined where nobody wants to be told. */
export function prepareNotification(
  engine: Engine,
  record: ContainerRecord,
  { notify = 'container' }: Pick<ContainerRequest, 'notify'>,
): Notification | undefined {
  const hostSocket = engine.facts.env.NOTIFY_SOCKET ?? ''
  if (hostSocket === '' || notify === 'ignore') return undefined
  if (notify !== 'container') {
    return { mode: notify, hostSocket, proxyFd: undefined, mounts: [], env: [], [Symbol.dispose]: () => {} }
  }
  const directory = hostPath(containerRunDirectory(engine.store, record.id), 'notify')
  const proxyFd = openProxy(directory)
  return {
    mode: notify,
    hostSocket,
    proxyFd,
    mounts: [
      {
        type: 'bind',
        source: directory,
        destination: DIRECTORY,
        options: ['bind', 'nosuid', 'nodev', 'noexec'],
      },
    ],
    env: [`NOTIFY_SOCKET=${DIRECTORY}/${NAME}`],
    [Symbol.dispose]: () => closeSync(proxyFd),
  }
}

/** Any user of the container may write to it; the directories above let nobody else come near. */
function openProxy(directory: string): number {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  chmodSync(directory, 0o755)
  const path = `${directory}/${NAME}`
  rmSync(path, { force: true })
  const fd = openSync(directory, O.path | O.directory | O.cloexec)
  try {
    return bindUnixDatagram(`/proc/self/fd/${fd}/${NAME}`)
  } finally {
    closeSync(fd)
    chmodSync(path, 0o666)
  }
}

const SEND_MS = 1000

/** Tells the service manager. One that is gone is nobody's failure. */
export function notifyHost(hostSocket: string, lines: readonly string[]): void {
  const fd = unixDatagramSocket({ sendTimeoutMs: SEND_MS })
  try {
    sendToUnix(fd, Buffer.from(lines.join('\n')), hostSocket)
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ECONNREFUSED', 'EAGAIN', 'EACCES', 'EPERM')) throw error
  } finally {
    closeSync(fd)
  }
}

/** What a container may say to the service manager; who its main process is, is not its business. */
const PASSED = /^(?:READY|RELOADING|STOPPING|STATUS|ERRNO|WATCHDOG|EXTEND_TIMEOUT_USEC|MONOTONIC_USEC)=/

/** The lines of a container's datagram that are passed on. */
export function passedLines(datagram: Uint8Array): readonly string[] {
  return Buffer.from(datagram)
    .toString()
    .split('\n')
    .filter((line) => PASSED.test(line))
}
