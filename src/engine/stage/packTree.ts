import { readSync } from 'node:fs'
import { createTarWriter } from '../../image/tar/write.ts'
import { treeEntries } from '../../storage/tree/entries.ts'
import { writeFd } from '../../syscall/fd.ts'
import { chdir, chroot, fchdir } from '../../syscall/process.ts'

export interface PackTreeTask {
  /** The tree; this process moves its root there. */
  readonly directoryFd: number
  /** Takes the archive. */
  readonly tarFd: number
}

const CHUNK_SIZE = 256 * 1024

/**
 * Writes a directory as a tar archive. The body of a forked child that is root of a user namespace, and of no use for anything
 * else afterwards: chroot(2) is what keeps every link of the tree inside.
 */
export function packTree({ directoryFd, tarFd }: PackTreeTask): void {
  fchdir(directoryFd)
  chroot('.')
  chdir('/')
  const writer = createTarWriter((data) => writeFd(tarFd, data))
  const buffer = Buffer.allocUnsafe(CHUNK_SIZE)
  for (const { header, fd } of treeEntries()) {
    writer.add(header)
    let missing = header.size
    while (fd !== undefined && missing > 0) {
      const count = readSync(fd, buffer, 0, Math.min(buffer.length, missing), null)
      // It has shrunk since its size was looked up: the rest is zeros, as tar does it.
      if (count === 0) buffer.fill(0)
      const length = count === 0 ? Math.min(buffer.length, missing) : count
      writer.content(buffer.subarray(0, length))
      missing -= length
    }
  }
  writer.finish()
}
