import { ftruncateSync, readSync, writeSync } from 'node:fs'
import { nextData, nextHole } from '../../syscall/seek.ts'

const CHUNK_BYTES = 1024 * 1024
let chunk: Buffer | undefined

/** Copies so many bytes from a file to an empty one; holes stay holes. One that is cut meanwhile ends with a hole. */
export function copyBytes(fromFd: number, toFd: number, size: number): void {
  chunk ??= Buffer.allocUnsafe(CHUNK_BYTES)
  for (let start = nextData(fromFd, 0); start !== undefined && start < size; ) {
    const end = Math.min(nextHole(fromFd, start) ?? size, size)
    copyRange({ fromFd, toFd }, { start, end }, chunk)
    start = nextData(fromFd, end)
  }
  ftruncateSync(toFd, size)
}

function copyRange(
  { fromFd, toFd }: { readonly fromFd: number; readonly toFd: number },
  { start, end }: { readonly start: number; readonly end: number },
  buffer: Buffer,
): void {
  for (let at = start; at < end; ) {
    const count = readSync(fromFd, buffer, 0, Math.min(buffer.length, end - at), at)
    if (count === 0) return
    for (let done = 0; done < count; ) done += writeSync(toFd, buffer, done, count - done, at + done)
    at += count
  }
}
