import { existsSync, statSync } from 'node:fs'
import { unlessErrno } from './errors.ts'
import type { HostFacts } from './hostFacts.ts'

/** Where the user's systemd listens: what a session sets, or would set. */
export function runtimeDirectory({ env, uid }: Pick<HostFacts, 'env' | 'uid'>): string {
  const named = env.XDG_RUNTIME_DIR
  return named && (isOwnedBy(named, uid) || !existsSync(named)) ? named : `/run/user/${uid}`
}

/** Whether it is a directory of this user's: after `su`, XDG_RUNTIME_DIR may still be the other user's. */
export function isOwnedBy(directory: string, uid: number): boolean {
  const found = unlessErrno(() => statSync(directory, { throwIfNoEntry: false }), 'EACCES')
  return found?.isDirectory() === true && found.uid === uid
}
