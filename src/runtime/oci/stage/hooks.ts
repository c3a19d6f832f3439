import { closeSync, fstatSync, readSync, writeSync } from 'node:fs'
import { BryoError, messageOf } from '../../../base/errors.ts'
import { SIGKILL } from '../../../base/signals.ts'
import { memfdCreate, ownFd, pollReadable } from '../../../syscall/fd.ts'
import {
  exitCodeOfStatus,
  killIfAlive,
  pidfdOpen,
  spawnProgram,
  waitForExit,
} from '../../../syscall/process.ts'
import type { HookKind, OciHook } from '../config/types.ts'
import type { OciStateDocument } from '../state.ts'

/** Of what a hook said, the end is shown. */
const MAX_OUTPUT = 2000

/**
 * Runs hooks one after the other, in the namespaces and with the root of this process: each reads the state on standard input.
 * @throws BryoError RUNTIME with what the hook said, where one fails or takes too long; those behind it do not run
 */
export function runHooks(kind: HookKind, hooks: readonly OciHook[], state: OciStateDocument): void {
  hooks.forEach((hook, index) => {
    runHook(`${kind} hook #${index} "${hook.path}"`, hook, state)
  })
}

/** As {@link runHooks}, to the last of them: gives what went wrong with each. */
export function runAllHooks(
  kind: HookKind,
  hooks: readonly OciHook[],
  state: OciStateDocument,
): readonly string[] {
  return hooks.flatMap((hook, index) => {
    try {
      runHook(`${kind} hook #${index} "${hook.path}"`, hook, state)
      return []
    } catch (error) {
      return [messageOf(error)]
    }
  })
}

function runHook(name: string, { path, args, env, timeoutSeconds }: OciHook, state: OciStateDocument): void {
  using input = ownFd(memfdCreate('bryo-hook-state'))
  using output = ownFd(memfdCreate('bryo-hook-output'))
  const document = Buffer.from(JSON.stringify(state))
  // Written at a position, so that the hook begins to read at the start.
  for (let at = 0; at < document.length; ) {
    at += writeSync(input.fd, document, at, document.length - at, at)
  }
  const pid = spawn(name, { path, args, env }, input.fd, output.fd)
  const finished = waitUntil(pid, timeoutSeconds)
  if (!finished) killIfAlive(pid, SIGKILL)
  const status = waitForExit(pid)
  if (!finished) {
    throw failed(name, `it did not end within ${timeoutSeconds} s`, output.fd)
  }
  if (status.kind === 'signaled') throw failed(name, `it was ended by signal ${status.signal}`, output.fd)
  const code = exitCodeOfStatus(status)
  if (code !== 0) throw failed(name, `exit status ${code}, expected 0`, output.fd)
}

function spawn(
  name: string,
  { path, args, env }: Pick<OciHook, 'path' | 'args' | 'env'>,
  inputFd: number,
  outputFd: number,
): number {
  try {
    return spawnProgram({
      path,
      argv: args.length === 0 ? [path] : args,
      env,
      fds: [
        [0, inputFd],
        [1, outputFd],
        [2, outputFd],
      ],
    })
  } catch (error) {
    throw new BryoError('RUNTIME', `cannot run ${name}: ${messageOf(error)}`, { cause: error })
  }
}

function waitUntil(pid: number, timeoutSeconds: number | undefined): boolean {
  const pidfd = pidfdOpen(pid)
  try {
    return pollReadable(pidfd, timeoutSeconds === undefined ? -1 : timeoutSeconds * 1000)
  } finally {
    closeSync(pidfd)
  }
}

function failed(name: string, reason: string, outputFd: number): BryoError {
  const said = lastOutput(outputFd)
  return new BryoError('RUNTIME', `cannot run ${name}: ${reason}${said === '' ? '' : `, it said: ${said}`}`)
}

function lastOutput(fd: number): string {
  const { size } = fstatSync(fd)
  const buffer = Buffer.alloc(Math.min(size, MAX_OUTPUT))
  const length = readSync(fd, buffer, 0, buffer.length, size - buffer.length)
  return buffer.toString('utf8', 0, length).trim()
}
