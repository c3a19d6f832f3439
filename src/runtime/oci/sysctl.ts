import { BryoError } from '../../base/errors.ts'
import type { NamespaceType } from '../../syscall/namespace.ts'

const IPC = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
])

/** The namespace that a kernel parameter belongs to; undefined for one of the whole host. */
function namespaceOf(name: string): NamespaceType | undefined {
  if (IPC.has(name) || name.startsWith('fs.mqueue.')) return 'ipc'
  if (name.startsWith('net.')) return 'network'
  if (name === 'kernel.domainname' || name === 'kernel.hostname') return 'uts'
  if (name.startsWith('user.')) return 'user'
  return undefined
}

/**
 * Lets only parameters pass that are the container's own.
 * @throws BryoError USAGE
 */
export function checkSysctls(
  sysctl: Readonly<Record<string, string>>,
  types: readonly NamespaceType[],
): void {
  for (const key of Object.keys(sysctl)) {
    const name = key.replaceAll('/', '.')
    const namespace = namespaceOf(name)
    if (namespace !== undefined && types.includes(namespace) && !name.includes('..')) continue
    const expected =
      namespace === undefined
        ? 'one that belongs to a namespace'
        : `a ${namespace} namespace of the container`
    throw new BryoError('USAGE', `cannot set sysctl "${key}": it is the host's, expected ${expected}`)
  }
}
