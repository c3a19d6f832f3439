import { appendFileSync, statSync } from 'node:fs'
import { hostPath } from './hostPath.ts'
import type { Store } from './store.ts'

/** Its length is the count: appending needs no lock. */
const FILE = 'silent-forks'

/** Counts forked children that fell silent and were replaced. */
export function addSilentForks(store: Store, count: number): void {
  appendFileSync(hostPath(store.dataRoot, FILE), '.'.repeat(count), { mode: 0o600 })
}

/** How many there were since the store was made. */
export function readSilentForks(store: Store): number {
  return statSync(hostPath(store.dataRoot, FILE), { throwIfNoEntry: false })?.size ?? 0
}
