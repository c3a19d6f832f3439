import { receivePacket, sendPacket } from '../../../../runtime/packet.ts'
import type { CopyPlan, FoundSource, FoundTarget } from '../plan.ts'

/** What the sides of a copy tell the process in between, and what it tells them: one packet each. */
export type CopyMessage =
  | { readonly kind: 'source'; readonly found: FoundSource }
  | { readonly kind: 'target'; readonly found: FoundTarget }
  | { readonly kind: 'go'; readonly plan: CopyPlan }

export function sendCopyMessage(socket: number, message: CopyMessage): void {
  sendPacket(socket, message)
}

/** undefined where the other side is gone. */
export function receiveCopyMessage(socket: number): CopyMessage | undefined {
  return receivePacket<CopyMessage>(socket)
}

/** undefined where the other side has given up. */
export function receivePlan(socket: number): CopyPlan | undefined {
  const message = receiveCopyMessage(socket)
  return message?.kind === 'go' ? message.plan : undefined
}
