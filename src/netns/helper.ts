import { closeSync, fchmodSync, openSync, readFileSync, readSync } from 'node:fs'
import { BryoError, isErrno } from '../base/errors.ts'
import { SIGKILL, SIGTERM } from '../base/signals.ts'
import { createSealedProgram } from '../syscall/execute.ts'
import {
  closeOnExecFrom,
  dup2,
  memfdCreate,
  pipe,
  pollReadable,
  sealGrowth,
  setCloseOnExec,
} from '../syscall/fd.ts'
import { setns } from '../syscall/namespace.ts'
import {
  execve,
  forkChild,
  killIfAlive,
  pidfdOpen,
  type SpawnOptions,
  setGroupId,
  setgroups,
  setsid,
  setUserId,
  spawnProgram,
  umask,
  type WaitStatus,
  waitForExit,
  waitpid,
} from '../syscall/process.ts'
import { resetSignals } from '../syscall/signal.ts'

/**
 * A program that serves a container's network. It ends when the last writer of its exit pipe is gone, so it never outlives its
 * owner, however that one dies.
 */
export interface Helper {
  readonly pid: number
  /** Our end of the exit pipe, close-on-exec: clear that flag to keep the helper over an execve of this process. */
  readonly exitFd: number
  /** What it has written to stdout and stderr so far, at most the first 16 KiB. */
  readLog(): string
  /** Nothing more is kept of what it writes; called once it runs, so that it cannot fill memory. */
  endLog(): void
  /** Undefined while it runs. */
  ended(): WaitStatus | undefined
  /** Ends it; does nothing the second time. */
  close(options?: CloseOptions): void
}

export interface CloseOptions {
  /**
   * False: it is told to end, and not waited for. The kernel takes some 20 ms to take the tap device down, which a caller that is about to
   * end itself need not spend. True (the default): it is reaped, and its ports are free.
   */
  readonly wait?: boolean
}

export interface HelperRequest {
  readonly path: string
  /** Gets the number that the exit pipe has in the helper. */
  readonly argv: (exitFd: number) => readonly string[]
  /** Fds to pass on, under the numbers that they have here. */
  readonly fds: readonly number[]
  /** The number of the exit pipe in the helper; by default the one that it has here. */
  readonly exitAs?: number
  /** Fd of a user namespace whose root it becomes, so that it has no right over anything outside. */
  readonly userFd?: number | undefined
  /**
   * The container sees it among its processes, and must not get into it, although it enters the container's user namespace: it is started from
   * a copy that nobody may read, and what the kernel executes of such a file is hidden from everybody.
   */
  readonly hidden?: boolean
}

const LOG_HEAD = 16_384

/** @throws SyscallError posix_spawn */
export function startHelper(request: HelperRequest): Helper {
  const copy = request.hidden ? unreadableCopy(request.path) : undefined
  const log = memfdCreate('network-helper', { sealable: true })
  const nothing = openSync('/dev/null', 'r')
  const [exitRead, exitFd] = pipe()
  // The sockets that it makes are for this user only.
  const mask = umask(0o077)
  let pid: number
  try {
    const kept = request.fds.map((fd) => [fd, fd] as const)
    const exitAs = request.exitAs ?? exitRead
    const program = {
      path: copy === undefined ? request.path : `/proc/self/fd/${copy}`,
      newSession: true,
      argv: request.argv(exitAs),
      fds: [[0, nothing], [1, log], [2, log], ...kept, [exitAs, exitRead]] as const,
    }
    pid = request.userFd === undefined ? spawnProgram(program) : spawnInside(program, request.userFd)
  } catch (error) {
    closeSync(exitFd)
    closeSync(log)
    throw error
  } finally {
    umask(mask)
    closeSync(nothing)
    closeSync(exitRead)
    if (copy !== undefined) closeSync(copy)
  }
  return helperHandle({ pid, exitFd, log })
}

/** @throws BryoError UNSUPPORTED where nothing in memory may be executed. @see execve(2), PR_SET_DUMPABLE of prctl(2) */
function unreadableCopy(path: string): number {
  try {
    const fd = createSealedProgram('network-helper', readFileSync(path))
    fchmodSync(fd, 0o111)
    return fd
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM', 'ENOSYS')) throw error
    throw new BryoError(
      'UNSUPPORTED',
      `cannot hide "${path}" from the container: this host executes no programs in memory`,
      {
        hint: 'vm.memfd_noexec forbids it; use --network none or host with --pid host',
        cause: error,
      },
    )
  }
}

/** For a process that has just entered a user namespace: until then it is who it was outside. */
export function becomeRootInside(): void {
  setgroups([])
  setGroupId(0)
  setUserId(0)
}

/** spawnProgram() as root of a user namespace, which posix_spawn(3) cannot do. */
function spawnInside({ path, argv, fds = [] }: SpawnOptions, userFd: number): number {
  return forkChild(() => {
    setsid()
    closeOnExecFrom(3)
    for (const [childFd, ourFd] of fds) {
      if (childFd === ourFd) setCloseOnExec(childFd, false)
      else dup2(ourFd, childFd)
    }
    setns(userFd, ['user'])
    becomeRootInside()
    resetSignals()
    return execve(path, argv, [])
  })
}

interface Parts {
  readonly pid: number
  readonly exitFd: number
  /** A sealable memfd. */
  readonly log?: number
}

const GRACE_MS = 1000

function endAndReap(pid: number): WaitStatus {
  const pidfd = pidfdOpen(pid)
  try {
    killIfAlive(pid, SIGTERM)
    if (!pollReadable(pidfd, GRACE_MS)) killIfAlive(pid, SIGKILL)
    return waitForExit(pid)
  } finally {
    closeSync(pidfd)
  }
}

/** The handle of a helper that runs: also one that was taken over from a program that this process was before. */
export function helperHandle({ pid, exitFd, log = -1 }: Parts): Helper {
  let logOpen = log >= 0
  let closed = false
  let status: WaitStatus | undefined
  const endLog = () => {
    if (!logOpen) return
    logOpen = false
    sealGrowth(log)
    closeSync(log)
  }
  const ended = () => {
    status ??= waitpid(pid, { noHang: true })
    return status
  }
  return {
    pid,
    exitFd,
    readLog: () => (logOpen ? readHead(log) : ''),
    endLog,
    ended,
    close({ wait = true } = {}) {
      if (closed) return
      closed = true
      closeSync(exitFd)
      endLog()
      if (ended()) return
      if (wait) status = endAndReap(pid)
      else killIfAlive(pid, SIGTERM)
    },
  }
}

function readHead(fd: number): string {
  const buffer = Buffer.alloc(LOG_HEAD)
  return buffer.toString('utf8', 0, readSync(fd, buffer, 0, LOG_HEAD, 0))
}

const CHATTER =
  /^(WARNING: Support for|\* |Starting slirp|sent tapfd|received tapfd|Failed to send \d+ bytes to syslog)/

/** The lines of a log that say what went wrong, joined: progress, notes and the usage text are left out. */
export function lastWords(log: string): string {
  const lines = log
    .replace(/^Usage: [\s\S]*/m, '')
    .split('\n')
    .map((line) => line.trim().replace(/^\d+\.\d+: /, ''))
  const telling = lines.filter((line) => line !== '' && !CHATTER.test(line))
  return telling.slice(-4).join('; ')
}
