import { BryoError } from '../../base/errors.ts'
import type { StageFailure } from '../messages.ts'
import { receivePacket, sendPacket } from '../packet.ts'

/** What the processes of a container tell whoever creates or starts it: facts, one packet each. */
export type OciStageMessage =
  | { readonly kind: 'init-forked'; readonly pid: number }
  /** Everything is mounted, the host's root is still there: it is the turn of the hooks of the runtime's side. */
  | { readonly kind: 'mounted' }
  /** The next packet carries the master end of the terminal. */
  | { readonly kind: 'terminal' }
  /** Only the order to start is missing. */
  | { readonly kind: 'ready' }
  /** The order to start has come; what follows is for awaitWorkload(). */
  | { readonly kind: 'executing'; readonly name: string }
  | StageFailure

/** What they are told. */
export type OciParentMessage =
  | { readonly kind: 'maps-written' }
  /** Its pid has been heard of: from now on an added process may speak. */
  | { readonly kind: 'begin' }
  /** The hooks of the runtime's side have run; the pid is init's as they saw it. */
  | { readonly kind: 'hooks-done'; readonly pid: number }
  /** The state is written: from now on the container lives without its maker. */
  | { readonly kind: 'release' }
  | { readonly kind: 'start'; readonly pid: number }

export function sendOciMessage(fd: number, message: OciStageMessage | OciParentMessage): void {
  sendPacket(fd, message)
}

/** The next message of the container's processes; undefined at the end, where all have gone or executed another program. */
export function receiveOciStageMessage(fd: number): OciStageMessage | undefined {
  return receivePacket<OciStageMessage>(fd)
}

/** The next message to the container's process; undefined where its sender is gone. */
export function receiveOciParentMessage(fd: number): OciParentMessage | undefined {
  return receivePacket<OciParentMessage>(fd)
}

/** Receives one message in init. @throws BryoError RUNTIME naming expected and received */
export function expectOciParentMessage<K extends OciParentMessage['kind']>(
  fd: number,
  kind: K,
): Extract<OciParentMessage, { readonly kind: K }> {
  const message = receiveOciParentMessage(fd)
  if (message && isKind(message, kind)) return message
  throw new BryoError(
    'RUNTIME',
    `received ${message ? `"${message.kind}"` : 'the end'} from the creating process, expected "${kind}"`,
  )
}

function isKind<K extends OciParentMessage['kind']>(
  message: OciParentMessage,
  kind: K,
): message is Extract<OciParentMessage, { readonly kind: K }> {
  return message.kind === kind
}
