import { closeSync } from 'node:fs'
import { SIGKILL } from '../../../base/signals.ts'
import type { ContainerRecord } from '../../../storage/container/record.ts'
import type { ProcessRef } from '../../../storage/container/state.ts'
import { ownFd, pipe, pollReadable, readFd } from '../../../syscall/fd.ts'
import { exitCodeOfStatus, killIfAlive, pidfdOpen, waitForExit } from '../../../syscall/process.ts'
import type { Engine } from '../../engine.ts'
import { type ExecRequest, enter } from './exec.ts'

export interface CaptureRequest {
  readonly command: readonly string[]
  readonly timeoutMs: number
  /** Bytes of output that are kept; the rest is read and dropped. */
  readonly maxOutput: number
}

export interface Captured {
  /** undefined where the time was over: the process has been killed. */
  readonly exitCode: number | undefined
  readonly output: string
}

/** Runs a command in a container and keeps what it writes. @throws BryoError as exec does */
export async function captureInContainer(
  engine: Engine,
  { record, init }: { readonly record: ContainerRecord; readonly init: ProcessRef },
  { command, timeoutMs, maxOutput }: CaptureRequest,
): Promise<Captured> {
  const [readEnd, writeEnd] = pipe()
  using output = ownFd(readEnd)
  const deadline = Date.now() + timeoutMs
  let pid: number
  try {
    const stdio = { stdin: undefined, stdout: writeEnd, stderr: writeEnd }
    pid = (await enter(engine, { record, init, request: { ...PLAIN, command }, detached: false, stdio })).pid
  } finally {
    closeSync(writeEnd)
  }
  const chunks: Buffer[] = []
  let kept = 0
  const buffer = Buffer.alloc(4096)
  while (pollReadable(output.fd, Math.max(0, deadline - Date.now()))) {
    const length = readFd(output.fd, buffer)
    if (length === 0) break
    chunks.push(Buffer.from(buffer.subarray(0, Math.min(length, maxOutput - kept))))
    kept = Math.min(maxOutput, kept + length)
  }
  const text = Buffer.concat(chunks).toString()
  using handle = ownFd(pidfdOpen(pid))
  if (pollReadable(handle.fd, Math.max(0, deadline - Date.now()))) {
    return { exitCode: exitCodeOfStatus(waitForExit(pid)), output: text }
  }
  killIfAlive(pid, SIGKILL)
  waitForExit(pid)
  return { exitCode: undefined, output: text }
}

const PLAIN: Omit<ExecRequest, 'command'> = {
  env: [],
  workdir: undefined,
  user: undefined,
  interactive: false,
  tty: false,
  privileged: false,
  preservedFds: [],
}
