import { closeSync } from 'node:fs'
import { pipe, readFd } from '../syscall/fd.ts'
import { exitCodeOfStatus, spawnProgram, waitForExit } from '../syscall/process.ts'

export interface ProgramResult {
  /** 128 + n after signal n. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a small helper to its end, without input and with an empty environment (so its messages are English).
 * For output of a few kilobytes: stderr is read after stdout.
 * @throws SyscallError posix_spawn
 */
export function runProgram(path: string, args: readonly string[]): ProgramResult {
  const [outRead, outWrite] = pipe()
  const [errRead, errWrite] = pipe()
  try {
    let pid: number
    try {
      pid = spawnProgram({
        path,
        argv: [path, ...args],
        fds: [
          [1, outWrite],
          [2, errWrite],
        ],
      })
    } finally {
      closeSync(outWrite)
      closeSync(errWrite)
    }
    const stdout = readAll(outRead)
    const stderr = readAll(errRead)
    return { exitCode: exitCodeOfStatus(waitForExit(pid)), stdout, stderr }
  } finally {
    closeSync(outRead)
    closeSync(errRead)
  }
}

/** Everything until the last writer has closed its end. */
export function readAll(fd: number): string {
  const chunks: Buffer[] = []
  const buffer = Buffer.alloc(4096)
  for (;;) {
    const length = readFd(fd, buffer)
    if (length === 0) return Buffer.concat(chunks).toString()
    chunks.push(Buffer.from(buffer.subarray(0, length)))
  }
}
