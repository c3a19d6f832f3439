import { readFd, writeFd } from '../../../../syscall/fd.ts'
import type { CopyPlan, FoundSource, FoundTarget } from '../plan.ts'

/** What the sides of a copy tell the process in between, and what it tells them: one packet each. */
export type CopyMessage =
  | { readonly kind: 'source'; readonly found: FoundSource }
  | { readonly kind: 'target'; readonly found: FoundTarget }
  | { readonly kind: 'go'; readonly plan: CopyPlan; readonly skip?: string }

/** Paths are at most 4096 bytes long. */
const MAX_SIZE = 64 * 1024

export function sendCopyMessage(socket: number, message: CopyMessage): void {
  writeFd(socket, Buffer.from(JSON.stringify(message)))
}

/** undefined where the other side is gone. Both are copies of one program: what comes has the form of what was sent. */
export function receiveCopyMessage(socket: number): CopyMessage | undefined {
  const buffer = Buffer.alloc(MAX_SIZE)
  const length = readFd(socket, buffer)
  return length === 0 ? undefined : (JSON.parse(buffer.toString('utf8', 0, length)) as CopyMessage)
}

/** undefined where the other side has given up. */
export function receivePlan(socket: number): Extract<CopyMessage, { readonly kind: 'go' }> | undefined {
  const message = receiveCopyMessage(socket)
  return message?.kind === 'go' ? message : undefined
}
