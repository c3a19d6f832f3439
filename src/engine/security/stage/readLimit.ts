import { readFileSync } from 'node:fs'

/** How many user namespaces may be made below the one of this process. @see namespaces(7) /proc/sys/user */
export function readMaxUserNamespaces(): number {
  return Number(readFileSync('/proc/sys/user/max_user_namespaces', 'latin1'))
}
