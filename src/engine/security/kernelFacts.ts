import { fstatSync, openSync, readdirSync } from 'node:fs'
import { isErrno } from '../../base/errors.ts'
import { toContainerId } from '../../base/idmap.ts'
import { ownFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import { openOwner } from '../../syscall/namespace.ts'
import { readProc, readProcLink } from '../../syscall/procFile.ts'
import { readIdMaps } from '../../userns/nested.ts'
import { namespaceIds } from '../container/namespaces.ts'
import { readStatus } from '../container/processes/process.ts'
import type { MountEntry, NamespaceName, SecurityFacts } from './facts.ts'
import { parseMountinfo } from './mountinfo.ts'

export const NAMESPACES: readonly NamespaceName[] = ['user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup']

/**
 * Reads back what protects a process.
 * @param maxUserNamespaces what only a member of its user namespace can read
 * @param env the environment of this process, to find what of it has got in
 */
export function readKernelFacts(
  pid: number,
  maxUserNamespaces: number,
  env: Readonly<Record<string, string | undefined>>,
): SecurityFacts {
  const status = readStatus(pid)
  const bits = (name: string) => BigInt(`0x${status.get(name) ?? '0'}`)
  const [own, theirs] = [namespaceIds(process.pid), namespaceIds(pid)]
  const mounts = parseMountinfo(readProc(`/proc/${pid}/mountinfo`) ?? '')
  const maps = readIdMaps(pid)
  return {
    maps,
    sharedNamespaces: NAMESPACES.filter((name) => own[name] === theirs[name]),
    ownedNamespaces: NAMESPACES.filter((name) => name !== 'user' && ownerOf(pid, name) === theirs.user),
    uid: toContainerId(maps.uid, Number(status.get('Uid')?.split('\t')[1])),
    noNewPrivileges: status.get('NoNewPrivs') === '1',
    capabilities: {
      inheritable: bits('CapInh'),
      effective: bits('CapEff'),
      bounding: bits('CapBnd'),
      ambient: bits('CapAmb'),
    },
    seccompFilters: status.get('Seccomp') === '2' ? Number(status.get('Seccomp_filters') ?? 1) : 0,
    maxUserNamespaces,
    mounts,
    processLimit: readProcessLimit(pid),
    foreignFiles: foreignFiles(pid, mounts),
    hostVariables: hostVariables(pid, env),
    ...readSession(pid),
    label: readLabel(pid),
  }
}

/** The number of the user namespace that a namespace belongs to; undefined where that may not be known. */
function ownerOf(pid: number, name: NamespaceName): string | undefined {
  try {
    using namespace = ownFd(openSync(`/proc/${pid}/ns/${name}`, O.rdonly | O.cloexec))
    using owner = ownFd(openOwner(namespace.fd))
    return String(fstatSync(owner.fd).ino)
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) throw error
    return undefined
  }
}

function readProcessLimit(pid: number): number {
  const line = /^Max processes\s+(\S+)/m.exec(readProc(`/proc/${pid}/limits`) ?? '')
  return Math.min(limitOf(line?.[1]), limitOf(readProc(`${cgroupOf(pid)}/pids.max`)?.trim()))
}

function limitOf(text: string | undefined): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY
}

/** The directory of its cgroup of version 2. @see cgroups(7) */
function cgroupOf(pid: number): string {
  const path = /^0::(\/.*)$/m.exec(readProc(`/proc/${pid}/cgroup`) ?? '')?.[1] ?? ''
  return `/sys/fs/cgroup${path}`
}

/** Links to what lies in no directory: pipes, sockets, timers, memory. */
const NAMELESS = /^(?:[a-z_]+:\[|anon_inode:|\/memfd:)/

/** Files that lie on none of its mounts have come from outside. @see proc_pid_fdinfo(5) mnt_id */
function foreignFiles(pid: number, mounts: readonly MountEntry[]): readonly string[] {
  const own = new Set(mounts.map(({ id }) => id))
  return descriptorsOf(pid).flatMap((fd) => {
    const link = readProcLink(`/proc/${pid}/fd/${fd}`)
    if (fd <= 2 || link === undefined || NAMELESS.test(link)) return []
    const mount = /^mnt_id:\s*(\d+)$/m.exec(readProc(`/proc/${pid}/fdinfo/${fd}`) ?? '')?.[1]
    return mount === undefined || own.has(Number(mount)) ? [] : [`${fd} (${link})`]
  })
}

function descriptorsOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map(Number)
  } catch {
    // It has ended, or is not this user's to look at.
    return []
  }
}

/** What every process has, or a container is given: not the host's, though it may be the same. */
const COMMON = new Set(['HOME', 'HOSTNAME', 'LANG', 'PATH', 'PWD', 'SHLVL', 'TERM', 'USER', '_', 'container'])

function hostVariables(pid: number, env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return (readProc(`/proc/${pid}/environ`) ?? '').split('\0').flatMap((entry) => {
    const equals = entry.indexOf('=')
    const [name, value] = [entry.slice(0, equals), entry.slice(equals + 1)]
    const same = equals > 0 && value !== '' && env[name] === Buffer.from(value, 'latin1').toString()
    return same && !COMMON.has(name) ? [name] : []
  })
}

/** @see proc_pid_stat(5) */
function readSession(pid: number): Pick<SecurityFacts, 'leadsSession' | 'sharesTerminal'> {
  const [theirs, ours] = [sessionOf(pid), sessionOf(process.pid)]
  return {
    leadsSession: theirs.session === pid,
    sharesTerminal:
      theirs.terminal !== 0 && theirs.terminal === ours.terminal && theirs.session === ours.session,
  }
}

function sessionOf(pid: number): { readonly session: number; readonly terminal: number } {
  const stat = readProc(`/proc/${pid}/stat`) ?? ''
  // The command's name stands in brackets and may hold anything, brackets too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { session: Number(fields[3] ?? 0), terminal: Number(fields[4] ?? 0) }
}

function readLabel(pid: number): string | undefined {
  const label = readProc(`/proc/${pid}/attr/current`)?.replace(/[\0\n]+$/, '')
  return label === '' ? undefined : label
}
