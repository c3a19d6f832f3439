import { closeSync, readlinkSync } from 'node:fs'
import { BryoError, isErrno } from '../base/errors.ts'
import { errnoName } from '../syscall/error.ts'
import { pollReadable, receiveFd } from '../syscall/fd.ts'
import { receiveStageMessage, type StageMessage, stageError } from './messages.ts'
import { readPacket } from './packet.ts'
import { TRAMPOLINE_NAME, TRAMPOLINE_STEPS } from './stage/trampoline/elf.ts'

/** How long nothing may be heard before it is looked up whether the workload runs. */
const SILENCE_MS = 1000
/** How long a process that may not be looked into is taken for one that has not come to its workload. */
const HIDDEN_MS = 60_000
const REPORT_BYTES = 8
/** Larger than a report, so that anything else shows. */
const MAX_PACKET = 64

/**
 * The end of the socket means that the workload runs: every holder of the other side has executed or gone.
 * @returns the master end of the terminal, where there is one
 */
export function awaitExecution(controlFd: number, pid: number): number | undefined {
  return pastTerminal(controlFd, (message) => {
    if (message?.kind !== 'executing') throw unexpectedMessage(message)
    awaitWorkload(controlFd, { name: message.name, pid })
  })
}

/** As {@link awaitExecution}, of a container that is held: all of it is made, and init waits for `proceed`. */
export function awaitPrepared(controlFd: number): number | undefined {
  return pastTerminal(controlFd, (message) => {
    if (message?.kind !== 'prepared') throw unexpectedMessage(message)
  })
}

function pastTerminal(
  controlFd: number,
  receive: (message: StageMessage | undefined) => void,
): number | undefined {
  let terminalFd: number | undefined
  try {
    let message = receiveStageMessage(controlFd)
    if (message?.kind === 'terminal') {
      terminalFd = receiveFd(controlFd)
      message = receiveStageMessage(controlFd)
    }
    receive(message)
    return terminalFd
  } catch (error) {
    if (terminalFd !== undefined) closeSync(terminalFd)
    throw error
  }
}

/** The error that a message is where another one was expected. */
export function unexpectedMessage(message: StageMessage | undefined): BryoError {
  if (message?.kind === 'failed') return stageError(message)
  return new BryoError(
    'RUNTIME',
    `cannot create the container: received ${message ? `"${message.kind}"` : 'the end'} from its process, expected the workload to run`,
  )
}

/**
 * Waits for the execution of a workload after the message `executing`. From that message on the other end of the socket is held by a
 * process that processes of a container may have been able to trace: what comes is a report of fixed form and nothing else, and a socket
 * that somebody keeps open keeps nobody waiting.
 * @param name of the workload as the user gave it
 * @throws WorkloadFailure COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, RUNTIME
 */
export function awaitWorkload(
  fd: number,
  { name, pid }: { readonly name: string; readonly pid: number },
): void {
  for (let silentMs = 0; !pollReadable(fd, SILENCE_MS); silentMs += SILENCE_MS) {
    const program = programOf(pid)
    if (program === 'workload' || (program === 'hidden' && silentMs >= HIDDEN_MS)) return
  }
  const packet = Buffer.alloc(MAX_PACKET)
  const length = readPacket(fd, packet)
  if (length === 0) return
  if (length !== REPORT_BYTES)
    throw new WorkloadFailure(
      'RUNTIME',
      `cannot execute "${name}": received ${length} bytes, expected a report`,
    )
  throw executionFailure(name, packet.readUInt32LE(0), packet.readUInt32LE(4))
}

/** A workload that was not executed. What else its socket holds is not to be read. */
export class WorkloadFailure extends BryoError {}

/** Whether a process is still bryo's own program or the trampoline; both hide from the container, and thereby from the caller too. */
function programOf(pid: number): 'own' | 'hidden' | 'workload' {
  try {
    const program = readlinkSync(`/proc/${pid}/exe`)
    const isOwn =
      program === readlinkSync('/proc/self/exe') || program.startsWith(`/memfd:${TRAMPOLINE_NAME} `)
    return isOwn ? 'own' : 'workload'
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EPERM')) return 'hidden'
    // It has ended: its exit code tells how.
    if (isErrno(error, 'ENOENT', 'ESRCH')) return 'workload'
    throw error
  }
}

function executionFailure(name: string, step: number, errno: number): WorkloadFailure {
  const executing = TRAMPOLINE_STEPS[step] === 'execute'
  if (executing) return executionError(name, errnoName(errno))
  if (TRAMPOLINE_STEPS[step] === 'set the label of the workload')
    return new WorkloadFailure('RUNTIME', `cannot confine "${name}": ${errnoName(errno)}`, {
      hint: LABEL_HINT,
    })
  const what = TRAMPOLINE_STEPS[step] ?? 'start the workload'
  return new WorkloadFailure('RUNTIME', `cannot ${what}: ${errnoName(errno)}`)
}

const LABEL_HINT =
  'the profile has to be loaded (apparmor), or the policy has to allow the label for you (selinux): see --security-opt'

const NOT_EXECUTABLE: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOEXEC: 'exec format error',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  ELOOP: 'too many levels of symbolic links',
  ETXTBSY: 'text file busy',
  E2BIG: 'argument list too long',
  ENAMETOOLONG: 'file name too long',
  EINVAL: 'invalid argument',
  ELIBBAD: 'its interpreter is not an executable',
}

/** The error that a failed execve(2) of a workload is for the user. @param errno its name */
function executionError(name: string, errno: string): WorkloadFailure {
  if (errno === 'ENOENT') return notFound(name, 'No such file or directory')
  const reason = NOT_EXECUTABLE[errno]
  return reason === undefined
    ? new WorkloadFailure('RUNTIME', `cannot execute "${name}": ${errno}`)
    : notExecutable(name, reason)
}

export function notFound(name: string, reason: string): WorkloadFailure {
  return new WorkloadFailure('COMMAND_NOT_FOUND', `cannot execute "${name}": ${reason}`)
}

export function notExecutable(name: string, reason: string): WorkloadFailure {
  return new WorkloadFailure('COMMAND_NOT_EXECUTABLE', `cannot execute "${name}": ${reason}`)
}
