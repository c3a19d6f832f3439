import { closeSync, openSync, readSync } from 'node:fs'
import { isErrno, unlessErrno } from '../../../base/errors.ts'
import { oomKills, removeGroup } from '../../../cgroup/group.ts'
import type { Reactor } from '../../../monitor/reactor.ts'
import { POLL } from '../../../syscall/poll.ts'

/** Notices that the kernel kills processes of a container for want of memory. */
export interface MemoryWatch {
  /** Whether it has so far. */
  killed(): boolean
  /** After the container's end: its control group goes. */
  end(): void
}

const NOTHING: MemoryWatch = { killed: () => false, end: () => {} }

/** While it runs, and not only in the end: systemd removes the group as soon as it is empty. @see cgroup-v2.rst, memory.events */
export function watchMemory(reactor: Reactor, cgroup: string | undefined): MemoryWatch {
  if (cgroup === undefined) return NOTHING
  // Without the controller there is no such file.
  const fd = unlessErrno(() => openSync(`${cgroup}/memory.events`, 'r'), 'ENOENT', 'EACCES', 'ENODEV')
  let killed = false
  const look = () => {
    killed ||= (fd === undefined ? 0 : killsOf(fd)) > 0
  }
  look()
  const watcher = fd === undefined ? undefined : reactor.watch(fd, POLL.priority, look)
  return {
    killed: () => {
      look()
      killed ||= oomKills(cgroup) > 0
      return killed
    },
    end: () => {
      watcher?.remove()
      if (fd !== undefined) closeSync(fd)
      removeGroup(cgroup)
    },
  }
}

const MAX_BYTES = 4096

/** Reading also rearms the descriptor. */
function killsOf(fd: number): number {
  const buffer = Buffer.alloc(MAX_BYTES)
  try {
    const length = readSync(fd, buffer, 0, buffer.length, 0)
    return Number(/^oom_kill (\d+)$/m.exec(buffer.toString('latin1', 0, length))?.[1] ?? 0)
  } catch (error) {
    if (isErrno(error, 'ENODEV')) return 0
    throw error
  }
}
