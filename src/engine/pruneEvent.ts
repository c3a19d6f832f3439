import { appendEvent, type EventType } from '../storage/events.ts'
import type { Store } from '../storage/store.ts'

/** Somebody has pruned. @param bytes what that gave back */
export function notePrune(store: Store, type: EventType, bytes: number): void {
  appendEvent(store, { type, action: 'prune', id: '', name: '', attributes: { reclaimed: String(bytes) } })
}

export function totalBytes(pruned: readonly { readonly bytes: number }[]): number {
  return pruned.reduce((sum, { bytes }) => sum + bytes, 0)
}
