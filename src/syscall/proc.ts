import { readFileSync } from 'node:fs'
import { unlessErrno } from '../base/errors.ts'

/**
 * When the process started, in clock ticks since boot: with the pid and the boot id it names a process for good.
 * undefined where there is none, or only a zombie.
 * @see proc_pid_stat(5), field 22
 */
export function processStartTime(pid: number): string | undefined {
  const stat = unlessErrno(() => readFileSync(`/proc/${pid}/stat`, 'latin1'), 'ENOENT', 'ESRCH')
  if (stat === undefined) return undefined
  // The command's name stands in brackets and may hold anything, brackets too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

let knownBootId: string | undefined

/** Another one after each boot, which no process outlives: it is read once. @see proc_sys_kernel(5), random/boot_id */
export function bootId(): string {
  knownBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return knownBootId
}
