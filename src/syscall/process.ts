import { statSync } from 'node:fs'
import { constants } from 'node:os'
import { check, SyscallError } from './error.ts'
import { bind, lastErrno } from './native.ts'

const c = {
  fork: bind('int fork()'),
  madvise: bind('int madvise(size_t addr, size_t length, int advice)'),
  exit: bind('void _exit(int status)'),
  waitpid: bind('int waitpid(int pid, _Out_ int *status, int options)'),
  execve: bind('int execve(const char *path, const char **argv, const char **envp)'),
  kill: bind('int kill(int pid, int sig)'),
  prctl: bind('int prctl(int option, size_t a, size_t b, size_t c, size_t d)'),
  setsid: bind('int setsid()'),
  getppid: bind('int getppid()'),
  getpid: bind('int getpid()'),
  setresuid: bind('int setresuid(uint32_t r, uint32_t e, uint32_t s)'),
  setresgid: bind('int setresgid(uint32_t r, uint32_t e, uint32_t s)'),
  setgroups: bind('int setgroups(size_t size, const uint32_t *list)'),
  prlimit: bind('int prlimit(int pid, int resource, const uint64_t *next, _Out_ uint64_t *old)'),
  umask: bind('uint32_t umask(uint32_t mask)'),
  chdir: bind('int chdir(const char *path)'),
  fchdir: bind('int fchdir(int fd)'),
  chroot: bind('int chroot(const char *path)'),
  posixSpawn: bind(
    'int posix_spawn(_Out_ int *pid, const char *path, const void *actions, const void *attr, const char **argv, const char **envp)',
  ),
  actionsInit: bind('int posix_spawn_file_actions_init(void *actions)'),
  actionsDestroy: bind('int posix_spawn_file_actions_destroy(void *actions)'),
  actionsDup2: bind('int posix_spawn_file_actions_adddup2(void *actions, int fd, int newfd)'),
  attrInit: bind('int posix_spawnattr_init(void *attr)'),
  attrDestroy: bind('int posix_spawnattr_destroy(void *attr)'),
  attrSetFlags: bind('int posix_spawnattr_setflags(void *attr, short flags)'),
  attrSetSigdefault: bind('int posix_spawnattr_setsigdefault(void *attr, const void *set)'),
  attrSetSigmask: bind('int posix_spawnattr_setsigmask(void *attr, const void *set)'),
  pidfdOpen: bind('long syscall(long number, int pid, uint32_t flags)'),
  sethostname: bind('int sethostname(const char *name, size_t length)'),
  setdomainname: bind('int setdomainname(const char *name, size_t length)'),
  keyctl: bind('long syscall(long number, long operation, const char *name)'),
}

const MADV_DOFORK = 11
const ADDRESS_SPACE_END = 0x7ffffffff000

/**
 * fork(2) of the whole runtime: 0 in the child, the pid in the parent. The child has one thread and may do
 * synchronous work only; it must end in {@link execve} or {@link exitNow}.
 *
 * Both engines keep memory out of children (V8 its heap, JavaScriptCore its generated code) with
 * MADV_DONTFORK; the madvise undoes that. It stops with EINVAL at the kernel's own pages, after the rest is done.
 * @see madvise(2)
 */
export function fork(): number {
  shareMemoryWithChildren()
  return check('fork', c.fork())
}

/** Children get all memory of this process, whatever the engine has said of it. */
export function shareMemoryWithChildren(): void {
  c.madvise(0, ADDRESS_SPACE_END, MADV_DOFORK)
}

/**
 * Forks a child that runs `main` and then ends with its result as exit status; 125 where it throws.
 * @returns the child's pid, in the parent only
 */
export function forkChild(main: () => number): number {
  const pid = fork()
  return pid === 0 ? endWith(main) : pid
}

/** The rest of a forked child: it ends with what `main` gives as exit status; 125 where that throws. */
export function endWith(main: () => number): never {
  let status = 125
  try {
    status = main()
  } finally {
    exitNow(status)
  }
}

/** _exit(2): no handlers, no flushing. */
export function exitNow(status: number): never {
  for (;;) c.exit(status)
}

export type WaitStatus =
  | { readonly kind: 'exited'; readonly pid: number; readonly code: number }
  | { readonly kind: 'signaled'; readonly pid: number; readonly signal: number }

/** Low byte of a status that tells of a stop. */
const STOPPED = 0x7f

/**
 * waitpid(2). Gives undefined where no child has ended yet (`noHang` only). A workload can make its parent its tracer, who is
 * told of every stop: that is no end.
 * @throws SyscallError ECHILD
 * @see ptrace(2) PTRACE_TRACEME
 */
export function waitpid(pid: number, options: { readonly noHang?: boolean } = {}): WaitStatus | undefined {
  const status = [0]
  for (;;) {
    const result = Number(c.waitpid(pid, status, options.noHang ? 1 : 0))
    if (result === 0) return undefined
    if (result > 0) {
      const value = status[0] ?? 0
      if ((value & 0xff) !== STOPPED) return decodeStatus(result, value)
      continue
    }
    const errno = lastErrno()
    if (errno !== constants.errno.EINTR) throw new SyscallError('waitpid', errno, { pid })
  }
}

/** As {@link waitpid} without `noHang`: always a result. */
export function waitForExit(pid: number): WaitStatus {
  const status = waitpid(pid)
  if (!status) throw new Error(`waitpid(${pid}) returned without a child`)
  return status
}

function decodeStatus(pid: number, status: number): WaitStatus {
  const signal = status & 0x7f
  return signal === 0
    ? { kind: 'exited', pid, code: (status >> 8) & 0xff }
    : { kind: 'signaled', pid, signal }
}

/** The shell's number for an end: the exit code, or 128 + signal. */
export function exitCodeOfStatus(status: WaitStatus): number {
  return status.kind === 'exited' ? status.code : 128 + status.signal
}

/** Replaces the program; returns only by throwing. Clears nothing: close-on-exec decides which fds stay. */
export function execve(path: string, argv: readonly string[], env: readonly string[]): never {
  c.execve(path, [...argv, null], [...env, null])
  throw new SyscallError('execve', lastErrno(), { path })
}

export interface SpawnOptions {
  readonly path: string
  /** argv[0] included. */
  readonly argv: readonly string[]
  /** `NAME=value`; empty by default. */
  readonly env?: readonly string[]
  /** The child's fds: `[childFd, ourFd]`; all others that are close-on-exec are closed. */
  readonly fds?: readonly (readonly [number, number])[]
  /** In a session of its own: the terminal's signals (ctrl-c, hangup) do not reach it. */
  readonly newSession?: boolean
}

const POSIX_SPAWN = { setSigdef: 0x04, setSigmask: 0x08, setSid: 0x80 } as const
const SIZEOF_SIGSET = 128
/** SIGHUP to SIGTERM, SIGCHLD; SIGPIPE among them, which this runtime ignores and some programs must not. */
const DEFAULT_SIGNALS = [1, 2, 3, 10, 12, 13, 14, 15, 17]

/** Signals as a program expects them: none ignored, none blocked. */
function spawnAttributes(attr: Buffer, newSession: boolean): void {
  const defaults = Buffer.alloc(SIZEOF_SIGSET)
  defaults.writeUInt32LE(DEFAULT_SIGNALS.reduce((bits, signal) => bits | (1 << (signal - 1)), 0))
  c.attrSetSigdefault(attr, defaults)
  c.attrSetSigmask(attr, Buffer.alloc(SIZEOF_SIGSET))
  const { setSigdef, setSigmask, setSid } = POSIX_SPAWN
  c.attrSetFlags(attr, setSigdef | setSigmask | (newSession ? setSid : 0))
}

/**
 * posix_spawn(3): starts a program without copying this process; gives its pid. Synchronous and cheap, for helpers such as
 * newuidmap. fds 0, 1 and 2 are close-on-exec in this runtime: name them in `fds` where the child needs them.
 */
export function spawnProgram(options: SpawnOptions): number {
  const actions = Buffer.alloc(128)
  const attr = Buffer.alloc(512)
  c.actionsInit(actions)
  c.attrInit(attr)
  try {
    spawnAttributes(attr, options.newSession ?? false)
    for (const [childFd, ourFd] of options.fds ?? []) c.actionsDup2(actions, ourFd, childFd)
    const pid = [0]
    const errno = Number(
      c.posixSpawn(pid, options.path, actions, attr, [...options.argv, null], [...(options.env ?? []), null]),
    )
    if (errno !== 0) throw new SyscallError('posix_spawn', errno, { path: options.path })
    return pid[0] ?? -1
  } finally {
    c.attrDestroy(attr)
    c.actionsDestroy(actions)
  }
}

export function kill(pid: number, signal: number): void {
  check('kill', c.kill(pid, signal), { pid, signal })
}

/** As {@link kill}; false where the process is gone. */
export function killIfAlive(pid: number, signal: number): boolean {
  if (Number(c.kill(pid, signal)) === 0) return true
  const errno = lastErrno()
  if (errno === constants.errno.ESRCH) return false
  throw new SyscallError('kill', errno, { pid, signal })
}

export function setsid(): number {
  return check('setsid', c.setsid())
}

/** Right after a fork too, where `process.pid` still is the parent's. */
export function getpid(): number {
  return Number(c.getpid())
}

export function getppid(): number {
  return Number(c.getppid())
}

/** Whether this process has no thread but its first. Their directory has a link for each, beside the usual two. */
export function hasOneThread(): boolean {
  return statSync('/proc/self/task').nlink === 3
}

/** Real, effective and saved user id at once. */
export function setUserId(uid: number): void {
  check('setresuid', c.setresuid(uid, uid, uid), { uid })
}

/** Real, effective and saved group id at once. */
export function setGroupId(gid: number): void {
  check('setresgid', c.setresgid(gid, gid, gid), { gid })
}

/** Supplementary groups. @throws SyscallError EPERM where /proc/PID/setgroups says deny */
export function setgroups(gids: readonly number[]): void {
  check('setgroups', c.setgroups(gids.length, Uint32Array.from(gids)), { gids: gids.join(',') })
}

/** Bits of `mode` are octal; gives the mask that was set before. */
export function umask(mode: number): number {
  return Number(c.umask(mode))
}

export function chdir(path: string): void {
  check('chdir', c.chdir(path), { path })
}

export function fchdir(fd: number): void {
  check('fchdir', c.fchdir(fd), { fd })
}

export function chroot(path: string): void {
  check('chroot', c.chroot(path), { path })
}

/** Resource numbers of x86-64 and arm64. @see getrlimit(2) */
export const RLIMIT = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
} as const
export const RLIM_INFINITY = 0xffffffffffffffffn

export interface ResourceLimit {
  /** In the resource's own unit; RLIM_INFINITY for none. */
  readonly soft: bigint
  readonly hard: bigint
}

/** Sets a limit by its OCI name, e.g. `RLIMIT_NOFILE`; names are checked where they are parsed. */
export function setRlimitByName({ type, soft, hard }: ResourceLimit & { readonly type: string }): void {
  const entry = Object.entries(RLIMIT).find(([name]) => `RLIMIT_${name.toUpperCase()}` === type)
  if (!entry) throw new Error(`unknown resource limit ${type}`)
  setrlimit(entry[1], { soft, hard })
}

export function getrlimit(resource: number): ResourceLimit {
  const old = new BigUint64Array(2)
  check('prlimit', c.prlimit(0, resource, null, old), { resource })
  return { soft: old[0] ?? 0n, hard: old[1] ?? 0n }
}

export function setrlimit(resource: number, limit: ResourceLimit): void {
  check('prlimit', c.prlimit(0, resource, BigUint64Array.of(limit.soft, limit.hard), null), {
    resource,
    soft: limit.soft,
    hard: limit.hard,
  })
}

const PR_SET_PDEATHSIG = 1
const PR_SET_DUMPABLE = 4
const PR_SET_NAME = 15
const PR_SET_CHILD_SUBREAPER = 36
const PR_SET_NO_NEW_PRIVS = 38

/** The signal that this process gets when its parent dies; kept over execve, lost when the credentials change. */
export function setParentDeathSignal(signal: number): void {
  check('prctl', c.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0), { option: 'PR_SET_PDEATHSIG' })
}

/** Off: no other process of the user may trace this one or read its /proc/PID/{fd,root,environ}. */
export function setDumpable(dumpable: boolean): void {
  check('prctl', c.prctl(PR_SET_DUMPABLE, dumpable ? 1 : 0, 0, 0, 0), { option: 'PR_SET_DUMPABLE' })
}

/** At most 15 bytes are kept. */
export function setProcessName(name: string): void {
  const buffer = Buffer.alloc(16)
  buffer.write(name.slice(0, 15))
  check('prctl', prctlName(PR_SET_NAME, buffer, 0, 0, 0), { option: 'PR_SET_NAME' })
}
const prctlName = bind('int prctl(int option, const void *name, size_t b, size_t c, size_t d)')

/** Orphaned descendants are re-parented to this process, or no longer. */
export function setChildSubreaper(on = true): void {
  check('prctl', c.prctl(PR_SET_CHILD_SUBREAPER, on ? 1 : 0, 0, 0, 0), { option: 'PR_SET_CHILD_SUBREAPER' })
}

export function setNoNewPrivileges(): void {
  check('prctl', c.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), { option: 'PR_SET_NO_NEW_PRIVS' })
}

const SYS_PIDFD_OPEN = 434
const SYS_KEYCTL = process.arch === 'arm64' ? 219 : 250
const KEYCTL_JOIN_SESSION_KEYRING = 1

/** A close-on-exec fd that names the process for good. @throws SyscallError ESRCH */
export function pidfdOpen(pid: number): number {
  return check('pidfd_open', c.pidfdOpen(SYS_PIDFD_OPEN, pid, 0), { pid })
}

/** Leaves the caller's session keyring for a new, anonymous one. */
export function joinNewSessionKeyring(): void {
  check('keyctl', c.keyctl(SYS_KEYCTL, KEYCTL_JOIN_SESSION_KEYRING, null))
}

export function setHostname(name: string): void {
  check('sethostname', c.sethostname(name, Buffer.byteLength(name)), { name })
}

export function setDomainName(name: string): void {
  check('setdomainname', c.setdomainname(name, Buffer.byteLength(name)), { name })
}
