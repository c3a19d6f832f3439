import { existsSync, readFileSync } from 'node:fs'
import { unlessErrno } from '../../base/errors.ts'
import { FS_MAGIC, filesystemType } from '../../syscall/mount.ts'
import { type DoctorFacts, type Finding, finding } from './finding.ts'

const VERSION = { id: 'cgroup-version', title: 'cgroup version' }
const CONTROLLERS = { id: 'cgroup-controllers', title: 'delegated cgroup controllers' }
const WANTED = ['cpu', 'cpuset', 'io', 'memory', 'pids'] as const

export type CgroupLayout = 'v2' | 'hybrid' | 'v1' | 'none'

export function checkCgroups({ uid }: DoctorFacts): readonly Finding[] {
  const layout = readCgroupLayout()
  const directory =
    uid === 0 ? '/sys/fs/cgroup' : `/sys/fs/cgroup/user.slice/user-${uid}.slice/user@${uid}.service`
  return [judgeLayout(layout), judgeControllers(layout, uid, readControllers(directory))]
}

export function readCgroupLayout(): CgroupLayout {
  if (!existsSync('/sys/fs/cgroup')) return 'none'
  if (filesystemType('/sys/fs/cgroup') === FS_MAGIC.cgroup2) return 'v2'
  if (existsSync('/sys/fs/cgroup/unified/cgroup.procs')) return 'hybrid'
  return existsSync('/sys/fs/cgroup/pids') || existsSync('/sys/fs/cgroup/memory') ? 'v1' : 'none'
}

/** undefined where systemd has no manager for the user. */
function readControllers(directory: string): readonly string[] | undefined {
  return unlessErrno(
    () => readFileSync(`${directory}/cgroup.controllers`, 'utf8').trim().split(' '),
    'ENOENT',
  )
}

export function judgeLayout(layout: CgroupLayout): Finding {
  if (layout === 'v2') return finding(VERSION, 'ok', 'v2')
  const fix =
    'boot with the kernel parameter systemd.unified_cgroup_hierarchy=1 for limits of CPU, memory and processes'
  return finding(VERSION, 'warning', `${layout}: containers run without limits`, fix)
}

/** @param controllers of the user's part of the tree; undefined where there is none */
export function judgeControllers(
  layout: CgroupLayout,
  uid: number,
  controllers: readonly string[] | undefined,
): Finding {
  if (layout !== 'v2') return finding(CONTROLLERS, 'skipped', 'needs cgroup v2')
  if (!controllers) {
    const fix = `as root: loginctl enable-linger ${uid}, or log in with a session of systemd`
    return finding(CONTROLLERS, 'warning', `no user@${uid}.service: containers run without limits`, fix)
  }
  const missing = WANTED.filter((name) => !controllers.includes(name))
  if (missing.length === 0) return finding(CONTROLLERS, 'ok', WANTED.join(' '))
  const fix = [
    'as root: mkdir -p /etc/systemd/system/user@.service.d',
    `printf '[Service]\\nDelegate=${WANTED.join(' ')}\\n' > /etc/systemd/system/user@.service.d/delegate.conf`,
    'systemctl daemon-reload',
    'then log in anew',
  ].join('\n')
  return finding(CONTROLLERS, 'warning', `not delegated: ${missing.join(' ')}; no limits on these`, fix)
}
