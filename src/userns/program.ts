import { closeSync, statSync } from 'node:fs'
import { isErrno } from '../base/errors.ts'
import { pipe, readFd } from '../syscall/fd.ts'
import { exitCodeOfStatus, spawnProgram, waitForExit } from '../syscall/process.ts'

/**
 * The absolute path of a helper of the system: /usr/bin first, then the absolute directories of `searchPath`
 * ($PATH; a relative one could be anybody's).
 */
export function findProgram(name: string, searchPath = ''): string | undefined {
  const directories = ['/usr/bin', ...searchPath.split(':').filter((directory) => directory.startsWith('/'))]
  return directories.map((directory) => `${directory}/${name}`).find(isExecutableFile)
}

function isExecutableFile(path: string): boolean {
  try {
    const status = statSync(path)
    return status.isFile() && (status.mode & 0o111) !== 0
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) throw error
    return false
  }
}

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
