import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../base/errors.ts'
import { readControl, readKeyed, readNames } from './hierarchy.ts'
import type { CgroupSetting } from './settings.ts'

export const DELEGATION_HINT = `let your systemd have all controllers; as root:
  mkdir -p /etc/systemd/system/user@.service.d
  printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' >/etc/systemd/system/user@.service.d/delegate.conf
  systemctl daemon-reload
and log in anew`

/** Makes a group. @returns its directory */
export function makeGroup(parent: string, name: string): string {
  const directory = `${parent}/${name}`
  try {
    mkdirSync(directory)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
  return directory
}

/**
 * Lets the groups below this one have controllers; no process may be in it any more. Whatever is there and not needed by a setting is enabled too,
 * so that it can be counted and limited later.
 * @throws BryoError UNSUPPORTED
 */
export function enableControllers(parent: string, settings: readonly CgroupSetting[]): void {
  const available = readNames(`${parent}/cgroup.controllers`)
  const enabled = readNames(`${parent}/cgroup.subtree_control`)
  for (const name of available.filter((controller) => !enabled.includes(controller))) {
    try {
      writeFileSync(`${parent}/cgroup.subtree_control`, `+${name}`)
    } catch (error) {
      const needed = settings.find(({ controller, option }) => controller === name && option !== undefined)
      if (needed)
        throw cannotSet(needed, `the controller "${name}" cannot be enabled: ${messageOf(error)}`, error)
    }
  }
}

/** @throws BryoError UNSUPPORTED for one that was asked for and cannot be set, before any is where its controller is missing; others are left out */
export function applySettings(directory: string, settings: readonly CgroupSetting[]): void {
  const available = readNames(`${directory}/cgroup.controllers`)
  const isMissing = ({ controller }: CgroupSetting) =>
    controller !== 'cgroup' && !available.includes(controller)
  const refused = settings.find((setting) => setting.option !== undefined && isMissing(setting))
  if (refused) {
    throw new BryoError(
      'UNSUPPORTED',
      `cannot set ${refused.option}: the cgroup controller "${refused.controller}" is not delegated to you`,
      { hint: DELEGATION_HINT },
    )
  }
  for (const setting of settings.filter((each) => !isMissing(each))) {
    const { file, value, option } = setting
    try {
      writeFileSync(`${directory}/${file}`, value)
    } catch (error) {
      if (option !== undefined) throw cannotSet(setting, whyNot(directory, setting, error), error)
    }
  }
}

function whyNot(directory: string, { file, value, controller }: CgroupSetting, error: unknown): string {
  // To open one that is not there to write fails as if it was forbidden.
  if (!existsSync(`${directory}/${file}`)) return `this kernel has no ${file}`
  // Disks have queues, their parts have none.
  const isPartition = controller === 'io' && isErrno(error, 'ENODEV')
  return `${file} does not take "${value}"${isPartition ? ', expected a whole disk, not a part of one' : ''}`
}

function cannotSet({ option, file }: CgroupSetting, found: string, cause: unknown): BryoError {
  return new BryoError('UNSUPPORTED', `cannot set ${option ?? file}: ${found}`, { cause })
}

/** Moves a process. @throws Error EACCES where the group that both are in is not the caller's */
export function enterGroup(directory: string, pid: number): void {
  writeFileSync(`${directory}/cgroup.procs`, String(pid))
}

/** Kills every process in the group and below it, however it was forked. @returns false where the kernel or the group cannot */
export function killGroup(directory: string): boolean {
  try {
    writeFileSync(`${directory}/cgroup.kill`, '1')
    return true
  } catch (error) {
    // Before Linux 5.14 there is no such file.
    if (isErrno(error, 'ENOENT', 'EACCES', 'ENODEV', 'EOPNOTSUPP')) return false
    throw error
  }
}

/** Whether the group was told to stop its processes. */
export function isFrozen(directory: string): boolean {
  return readControl(`${directory}/cgroup.freeze`)?.trim() === '1'
}

const FREEZE_STEP_MS = 10
const FREEZE_MS = 10_000

/** Stops or continues all processes of the group, and waits until they have. @returns false where they do not, or the group is gone */
export function freezeGroup(directory: string, frozen: boolean): boolean {
  try {
    writeFileSync(`${directory}/cgroup.freeze`, frozen ? '1' : '0')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV')) return false
    throw error
  }
  const deadline = Date.now() + FREEZE_MS
  while (readKeyed(`${directory}/cgroup.events`).get('frozen') !== (frozen ? 1 : 0)) {
    if (Date.now() > deadline || readControl(`${directory}/cgroup.events`) === undefined) return false
    pause(FREEZE_STEP_MS)
  }
  return true
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/** How many processes of the group the kernel has killed for want of memory. */
export function oomKills(directory: string): number {
  return readKeyed(`${directory}/memory.events`).get('oom_kill') ?? 0
}

const REMOVE_MS = 2000

/** Removes a group and those that its processes have made in it; waits a moment for them to end. Nothing where it is gone, or stays in use. */
export function removeGroup(directory: string): void {
  const deadline = Date.now() + REMOVE_MS
  for (;;) {
    try {
      for (const child of childGroups(directory)) removeGroup(child)
      rmdirSync(directory)
      return
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENODEV', 'EACCES')) return
      if (!isErrno(error, 'EBUSY', 'ENOTEMPTY')) throw error
      // The last process may be on its way out.
      if (Date.now() > deadline) return
      pause(FREEZE_STEP_MS)
    }
  }
}

/** Kills what is still in a group, and removes it. */
export function endGroup(directory: string): void {
  killGroup(directory)
  removeGroup(directory)
}

/** The processes of the group and of those below it. */
export function processesInGroup(directory: string): readonly number[] {
  return [
    ...readNames(`${directory}/cgroup.procs`).map(Number),
    ...childGroups(directory).flatMap(processesInGroup),
  ]
}

/** None where the group is gone. */
function childGroups(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${directory}/${name}`)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV')) return []
    throw error
  }
}
