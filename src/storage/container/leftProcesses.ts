import type { ContainerId } from '../../base/brand.ts'
import { endProcesses } from '../../syscall/endProcesses.ts'
import { readProc, readProcLink } from '../../syscall/procFile.ts'

/**
 * Kills what a container without a pid namespace of its own has left running, where the process was killed that would have seen to that. They are
 * known by their root: what the container's files or its upper directory are mounted on there.
 */
export function endLeftProcesses(id: ContainerId): void {
  const known = new Map<string, boolean>()
  const own = readProcLink('/proc/self/ns/mnt')
  endProcesses((pid) => {
    const namespace = readProcLink(`/proc/${pid}/ns/mnt`)
    if (namespace === undefined || namespace === own) return false
    const isLeft = known.get(namespace) ?? isRootOf(readProc(`/proc/${pid}/mountinfo`) ?? '', id)
    known.set(namespace, isLeft)
    return isLeft
  })
}

/** @param text of /proc/PID/mountinfo. @see proc_pid_mountinfo(5) */
export function isRootOf(text: string, id: ContainerId): boolean {
  const upper = `/containers/${id}/upper`
  return text.split('\n').some((line) => {
    const [, , , root = '', point = ''] = line.split(' ')
    if (point === '/') return line.includes(upper)
    return ['hosts', 'hostname', 'resolv.conf'].some(
      (name) => point === `/etc/${name}` && root.endsWith(`/containers/${id}/${name}`),
    )
  })
}
