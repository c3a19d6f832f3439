import { accessSync, closeSync, constants } from 'node:fs'
import { constants as osConstants } from 'node:os'
import { BryoError, isErrno, unlessErrno } from '../../base/errors.ts'
import { SyscallError } from '../../syscall/error.ts'
import { createSealedProgram, executeFd } from '../../syscall/execute.ts'
import { ownFd, setCloseOnExec, writeFd } from '../../syscall/fd.ts'
import { O, openat2, RESOLVE } from '../../syscall/file.ts'
import { filesystemTypeOfFd } from '../../syscall/mount.ts'
import { execve, exitNow, fchdir } from '../../syscall/process.ts'
import { ensureInRoot, openInRoot, openInRootIfPresent } from '../../syscall/rootPath.ts'
import { notExecutable, notFound } from '../execution.ts'
import { sendMessage } from '../messages.ts'
import { installSeccompFilter } from '../seccomp/install.ts'
import { refuseOwnProgram } from './ownProgram.ts'
import {
  buildTrampoline,
  TRAMPOLINE_NAME,
  TRAMPOLINE_STEPS,
  type TrampolineParameters,
  type WorkloadLabel,
} from './trampoline/elf.ts'

/**
 * Enters the working directory by an fd that was opened inside the root, so no leaked fd of the host can be meant.
 * @throws BryoError RUNTIME
 */
export function enterWorkingDirectory(rootFd: number, path: string): void {
  try {
    const fd = openInRoot(rootFd, path, O.path | O.directory)
    try {
      fchdir(fd)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT'))
      throw new BryoError('RUNTIME', `workdir "${path}" does not exist on container`, { cause: error })
    if (isErrno(error, 'ENOTDIR'))
      throw new BryoError('RUNTIME', `workdir "${path}" is not a directory`, { cause: error })
    if (isErrno(error, 'ELOOP', 'EXDEV'))
      throw new BryoError('RUNTIME', `workdir "${path}" leaves the container`, { cause: error })
    if (isErrno(error, 'EACCES'))
      throw new BryoError(
        'RUNTIME',
        `cannot enter workdir "${path}": permission denied for the container's user`,
        { cause: error },
      )
    throw error
  }
}

/** Makes the working directory that an image names, where it is missing. */
export function createWorkingDirectory(rootFd: number, path: string): void {
  const found = openInRootIfPresent(rootFd, path, O.path | O.directory)
  closeSync(found ?? ensureInRoot(rootFd, path, 'directory'))
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Ready to execute a workload; to be prepared while this process has the rights and the room for it. */
export interface Execution {
  readonly parameters: TrampolineParameters
  /** The trampoline; undefined where this host executes no programs in memory. */
  readonly trampolineFd: number | undefined
}

export function prepareExecution(parameters: TrampolineParameters): Execution {
  return { parameters, trampolineFd: createTrampoline(parameters) }
}

function createTrampoline(parameters: TrampolineParameters): number | undefined {
  return unlessErrno(
    () => createSealedProgram(TRAMPOLINE_NAME, buildTrampoline(parameters)),
    'EACCES',
    'EPERM',
    'ENOSYS',
  )
}

/**
 * Executes the workload: a name without `/` is looked for in the container's PATH.
 *
 * A small program in memory is executed first, and that one executes the workload: so /proc/self/exe, which a workload or the interpreter
 * of a script can name, never is bryo's program, a file of the host. The waiting process is told, and gets the reason of a failure
 * as a report; see awaitWorkload().
 * @throws BryoError COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE for what can be seen before
 * @see CVE-2019-5736
 */
export function executeWorkload(
  execution: Execution,
  args: readonly string[],
  env: readonly string[],
): never {
  const { parameters, trampolineFd } = execution
  const { reportFd, label } = parameters
  const name = args[0] ?? ''
  const path = name.includes('/') ? name : findInPath(name, env)
  refuseOwnProgram(path, { unreadable: trampolineFd === undefined })
  sendMessage(reportFd, { kind: 'executing', name: name.slice(0, MAX_NAME) })
  const report = createReport(reportFd)
  try {
    if (trampolineFd !== undefined) {
      const fds = label ? [reportFd, label.procFd] : [reportFd]
      executeTrampoline(trampolineFd, fds, [path, ...args], env)
    }
    // Without the trampoline this process does what that one would have done.
    refuseOwnProgram(path, { unreadable: true })
    report.step('set the label of the workload')
    if (label) writeLabel(label)
    report.step('filter system calls')
    if (parameters.seccomp) installSeccompFilter(parameters.seccomp)
    report.step('execute')
    execve(path, args, env)
  } catch (error) {
    report.send(error)
    exitNow(EXIT_NOT_EXECUTED)
  }
}

const MAX_NAME = 4000
const EXIT_NOT_EXECUTED = 127

/** Returns where a filter or a policy of the host forbids it. @param fds that it uses, and closes before the workload runs */
function executeTrampoline(
  fd: number,
  fds: readonly number[],
  argv: readonly string[],
  env: readonly string[],
): void {
  for (const used of fds) setCloseOnExec(used, false)
  try {
    executeFd(fd, argv, env)
  } catch (error) {
    if (!isErrno(error, 'EPERM', 'EACCES', 'ENOSYS')) throw error
    for (const used of fds) setCloseOnExec(used, true)
  }
}

function writeLabel({ procFd, attribute, text }: WorkloadLabel): void {
  const resolve = RESOLVE.noXdev | RESOLVE.noMagiclinks
  using file = ownFd(openat2({ dirfd: procFd, path: attribute, flags: O.wronly, resolve }))
  writeFd(file.fd, Buffer.from(text))
}

/** Says in the trampoline's form what went wrong. */
function createReport(fd: number) {
  let current: (typeof TRAMPOLINE_STEPS)[number] = 'execute'
  return {
    step: (name: typeof current) => {
      current = name
    },
    send: (error: unknown) => {
      const packet = Buffer.alloc(8)
      packet.writeUInt32LE(TRAMPOLINE_STEPS.indexOf(current), 0)
      packet.writeUInt32LE(error instanceof SyscallError ? error.errno : osConstants.errno.EACCES, 4)
      writeFd(fd, packet)
    },
  }
}

/**
 * The path that {@link executeWorkload} would execute, as far as that can be told before.
 * @throws BryoError COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE
 */
export function findWorkload(args: readonly string[], env: readonly string[]): string {
  const name = args[0] ?? ''
  if (!name.includes('/')) return findInPath(name, env)
  const state = isDirectory(name) ? 'denied' : executableState(name)
  if (state === 'missing') throw notFound(name, 'No such file or directory')
  if (state === 'denied') throw notExecutable(name, 'permission denied')
  return name
}

function findInPath(name: string, env: readonly string[]): string {
  const path = env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH
  let denied = false
  for (const directory of path.split(':')) {
    const candidate = `${directory === '' ? '.' : directory}/${name}`
    const state = executableState(candidate)
    if (state === 'executable') return candidate
    denied ||= state === 'denied'
  }
  if (denied) throw notExecutable(name, 'permission denied')
  throw notFound(name, 'executable file not found in $PATH')
}

function executableState(path: string): 'executable' | 'denied' | 'missing' {
  try {
    accessSync(path, constants.X_OK)
    return isDirectory(path) ? 'missing' : 'executable'
  } catch (error) {
    return isErrno(error, 'EACCES') ? 'denied' : 'missing'
  }
}

function isDirectory(path: string): boolean {
  try {
    accessSync(`${path}/.`)
    return true
  } catch {
    return false
  }
}

const PIPEFS_MAGIC = 0x50495045

/** Whether the fd is a pipe without a name, so that its owner may change without any file of the host changing. */
export function isAnonymousPipe(fd: number): boolean {
  return filesystemTypeOfFd(fd) === PIPEFS_MAGIC
}
