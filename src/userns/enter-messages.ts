import { BryoError } from '../base/errors.ts'
import { readFd, writeFd } from '../syscall/fd.ts'

/** What the two processes that set a user namespace up tell each other, over a socket that keeps message bounds. */
export type EnterMessage =
  | { readonly kind: 'userns-created' }
  | { readonly kind: 'maps-written'; readonly setgroups: boolean }
  | { readonly kind: 'entered' }
  | { readonly kind: 'failed'; readonly step: string; readonly errno: number; readonly message: string }

export function sendMessage(socket: number, message: EnterMessage): void {
  writeFd(socket, Buffer.from(JSON.stringify(message)))
}

/** undefined where the other side is gone. */
export function receiveMessage(socket: number): EnterMessage | undefined {
  const buffer = Buffer.alloc(4096)
  const length = readFd(socket, buffer)
  return length === 0 ? undefined : parseMessage(buffer.toString('utf8', 0, length))
}

function parseMessage(text: string): EnterMessage {
  const value: unknown = JSON.parse(text)
  if (typeof value === 'object' && value !== null && 'kind' in value) {
    if (value.kind === 'userns-created' || value.kind === 'entered') return { kind: value.kind }
    if (value.kind === 'maps-written' && 'setgroups' in value) {
      return { kind: value.kind, setgroups: value.setgroups === true }
    }
    if (value.kind === 'failed' && 'step' in value && 'errno' in value && 'message' in value) {
      const { step, errno, message } = value
      return { kind: value.kind, step: String(step), errno: Number(errno), message: String(message) }
    }
  }
  throw new BryoError('INTERNAL', `cannot read message of a forked process: found ${text.slice(0, 200)}`)
}
