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

/** A service manager that wants to be told. */
export interface ServiceManager {
  readonly mode: Exclude<NotifyMode, 'ignore'>
  readonly hostSocket: string
}

export interface Notification extends ServiceManager, Disposable {
  /** Receives what the container sends; in mode `container` only. */
  readonly proxyFd: number | undefined
  /** For the container. */
  readonly mounts: readonly SpecMount[]
  readonly env: readonly string[]
}

/** undefined where nobody wants to be told. */
export function serviceManager(
  { facts }: Engine,
  { notify = 'container' }: Pick<ContainerRequest, 'notify'>,
): ServiceManager | undefined {
  const hostSocket = facts.env.NOTIFY_SOCKET ?? ''
  return hostSocket === '' || notify === 'ignore' ? undefined : { mode: notify, hostSocket }
}

/** undefined where nobody wants to be told. */
export function prepareNotification(
  engine: Engine,
  record: ContainerRecord,
  request: Pick<ContainerRequest, 'notify'>,
): Notification | undefined {
  const manager = serviceManager(engine, request)
  if (!manager) return undefined
  if (manager.mode !== 'container') {
    return { ...manager, proxyFd: undefined, mounts: [], env: [], [Symbol.dispose]: () => {} }
  }
  const directory = hostPath(containerRunDirectory(engine.store, record.id), 'notify')
  const proxyFd = openProxy(directory)
  return {
    ...manager,
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

/** The service manager learns who its service's main process is; whether that is ready, the container may want to say itself. */
export function announce(manager: ServiceManager | undefined, monitorPid: number | undefined): void {
  if (!manager || monitorPid === undefined) return
  const ready = manager.mode === 'conmon' ? ['READY=1'] : []
  notifyHost(manager.hostSocket, [`MAINPID=${monitorPid}`, ...ready])
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
