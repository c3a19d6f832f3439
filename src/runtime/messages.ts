import { BryoError, type ErrorCode, isErrno } from '../base/errors.ts'
import { receivePacket, sendPacket } from './packet.ts'

/** Namespaces of a container whose init hides from its caller too. */
export type ShownNamespace = 'mount' | 'network'

/** What the container's processes tell the waiting process: facts, one packet each. */
export type StageMessage =
  | { readonly kind: 'init-forked'; readonly pid: number; readonly cloned?: true }
  /** Of init itself, where no stage 1 has made it. */
  | { readonly kind: 'init-started' }
  /** The next packet carries an fd of this new namespace. */
  | { readonly kind: 'namespace'; readonly type: ShownNamespace }
  /** The next packet carries the fd that fuse-overlayfs must serve. */
  | { readonly kind: 'fuse' }
  /** The next packet carries the master end of the container's terminal. */
  | { readonly kind: 'terminal' }
  /** A container that is held has all but its workload, and waits for `proceed`. */
  | { readonly kind: 'prepared' }
  /** The last message: what follows is the report of the trampoline, or the end. The name is the workload's, perhaps cut off. */
  | { readonly kind: 'executing'; readonly name: string }
  | StageFailure

export interface StageFailure {
  readonly kind: 'failed'
  /** What was being done: `mount "/proc"`. */
  readonly step: string
  readonly message: string
  /** errno name, where a system call failed. */
  readonly errno?: string
  readonly code?: ErrorCode
  readonly hint?: string
}

/** What the waiting process tells init. */
export type ParentMessage =
  | { readonly kind: 'planned' }
  | { readonly kind: 'maps-written' }
  | { readonly kind: 'rootfs-ready' }
  | { readonly kind: 'proceed' }

/** What the waiting process tells the keeper, the process that becomes the monitor. */
export type KeeperMessage =
  /** The container's init exists; it ends with the keeper's master unless that hands over. */
  | { readonly kind: 'init'; readonly pid: number }
  /** Execute the monitor: as many packets with an fd each follow. */
  | { readonly kind: 'become'; readonly program: MonitorProgram; readonly fds: number }

/** How the monitor is executed. */
export interface MonitorProgram {
  readonly path: string
  readonly argv: readonly string[]
  readonly env: readonly string[]
}

export function sendMessage(fd: number, message: StageMessage | ParentMessage | KeeperMessage): void {
  sendPacket(fd, message)
}

/** Where init has gone already, its report is still to be read: that says more than the closed socket. */
export function tellInit(controlFd: number, kind: ParentMessage['kind']): void {
  try {
    sendMessage(controlFd, { kind })
  } catch (error) {
    if (!isErrno(error, 'EPIPE', 'ECONNRESET')) throw error
  }
}

/**
 * The next message of the container's processes; undefined at the end, when every holder of the other side has gone or
 * has executed the workload.
 */
export function receiveStageMessage(fd: number): StageMessage | undefined {
  return receivePacket<StageMessage>(fd)
}

/** The keeper's next message; undefined where its master is gone. */
export function receiveKeeperMessage(fd: number): KeeperMessage | undefined {
  return receivePacket<KeeperMessage>(fd)
}

/** Receives one message in init. @throws BryoError RUNTIME naming expected and received */
export function expectParentMessage(fd: number, kind: ParentMessage['kind']): void {
  const message = receivePacket<ParentMessage>(fd)
  if (message?.kind === kind) return
  throw new BryoError(
    'RUNTIME',
    `received ${message ? `"${message.kind}"` : 'the end'} from the waiting process, expected "${kind}"`,
  )
}

/** The error that a failure report stands for. */
export function stageError(failure: StageFailure): BryoError {
  const text = failure.step === '' ? failure.message : `cannot ${failure.step}: ${failure.message}`
  return new BryoError(failure.code ?? 'RUNTIME', text, { hint: failure.hint })
}
