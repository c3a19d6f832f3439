import { fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import { dupAtLeast, type OwnedFd, ownFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import { isTerminal } from '../../syscall/tty.ts'
import { decompressTo, detectCompression, MAGIC_SIZE } from '../compression.ts'
import { throughTool, toolFor } from '../compressionTool.ts'
import { writeAll } from '../fdStream.ts'
import { openDirectoryTree } from './directoryTree.ts'
import { isDirTransport, openDirTransport } from './dirTransport.ts'
import { isDockerArchive, openDockerArchive } from './dockerArchive.ts'
import type { FileTree } from './fileTree.ts'
import type { ImageArchive } from './imageArchive.ts'
import { isOciLayout, openOciLayout } from './ociLayout.ts'
import { openTarTree } from './tarTree.ts'

export interface OpenArchiveOptions {
  /** Gives an empty private file, open for reading and writing, for what cannot be read in any order where it is. */
  readonly createSpool: () => OwnedFd
  /** More bytes than this are not decompressed. */
  readonly maxSpoolBytes: number
}

/**
 * Opens an OCI archive, a docker archive (either one plain or compressed with gzip, zstd, xz or bzip2), or a directory: an OCI layout,
 * or one image as `dir:`.
 * @param source a path, or an fd that stays the caller's (a pipe too)
 * @throws BryoError NOT_FOUND, PERMISSION, INVALID_ARCHIVE, INVALID_IMAGE, DIGEST_MISMATCH, UNSUPPORTED
 */
export async function openImageArchive(
  source: string | number,
  options: OpenArchiveOptions,
): Promise<ImageArchive> {
  const label = typeof source === 'number' ? 'standard input' : source
  const tree =
    typeof source === 'number'
      ? await treeOfForeignFd(source, label, options)
      : await treeOfPath(source, options)
  try {
    if (isOciLayout(tree)) return await openOciLayout(tree)
    if (isDirTransport(tree)) return await openDirTransport(tree)
    if (isDockerArchive(tree)) return await openDockerArchive(tree)
    throw new BryoError(
      'INVALID_ARCHIVE',
      `cannot read image archive "${label}": it has neither "index.json" and "oci-layout" nor "manifest.json"`,
      { hint: 'a tar of a root directory is taken by "bryo import"' },
    )
  } catch (error) {
    tree[Symbol.dispose]()
    throw error
  }
}

async function treeOfPath(path: string, options: OpenArchiveOptions): Promise<FileTree> {
  const file = openPath(path)
  let owned = true
  try {
    const found = fstatSync(file.fd)
    if (found.isDirectory()) {
      owned = false
      return openDirectoryTree(file, path)
    }
    if (found.isFile() && isPlain(file.fd)) {
      owned = false
      return treeOfOwned(file, path)
    }
    return await treeOfFd(file.fd, path, options)
  } finally {
    if (owned) file.close()
  }
}

function openPath(path: string): OwnedFd {
  try {
    return ownFd(openSync(path, O.rdonly | O.noctty | O.cloexec))
  } catch (cause) {
    if (isErrno(cause, 'ENOENT', 'ENOTDIR')) {
      throw new BryoError('NOT_FOUND', `cannot open image archive "${path}": no such file or directory`, {
        cause,
      })
    }
    if (isErrno(cause, 'EACCES', 'EPERM')) {
      throw new BryoError('PERMISSION', `cannot open image archive "${path}": permission denied`, { cause })
    }
    throw cause
  }
}

/** Standard input that is a plain file is read where it is. */
async function treeOfForeignFd(fd: number, label: string, options: OpenArchiveOptions): Promise<FileTree> {
  if (isTerminal(fd)) {
    throw new BryoError('USAGE', `cannot read image archive from ${label}: it is a terminal`, {
      hint: 'name a file with --input, or redirect one',
    })
  }
  const direct = fstatSync(fd).isFile() && positionOf(fd) === 0 && isPlain(fd)
  return direct ? treeOfOwned(ownFd(dupAtLeast(fd, 3)), label) : treeOfFd(fd, label, options)
}

/** @see proc_pid_fdinfo(5) */
function positionOf(fd: number): number {
  return Number(/^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1])
}

/** Any fd: what can be read only once, or is compressed, is copied to a file first. */
async function treeOfFd(fd: number, label: string, options: OpenArchiveOptions): Promise<FileTree> {
  const spool = options.createSpool()
  try {
    let room = options.maxSpoolBytes
    const result = await decompressTo(throughTool(fd), async (chunk) => {
      room -= chunk.byteLength
      if (room < 0) throw noRoom(label, options.maxSpoolBytes)
      await writeAll(spool.fd, chunk)
    })
    if (result.inputBytes === 0) {
      throw new BryoError('INVALID_ARCHIVE', `cannot read image archive "${label}": it is empty`)
    }
  } catch (error) {
    spool.close()
    throw error
  }
  return treeOfOwned(spool, label)
}

function noRoom(label: string, bytes: number): BryoError {
  return new BryoError(
    'NO_SPACE',
    `cannot unpack image archive "${label}": it takes more than the ${bytes} bytes that are free`,
  )
}

function treeOfOwned(file: OwnedFd, label: string): FileTree {
  try {
    return openTarTree(file, label)
  } catch (error) {
    file.close()
    throw error
  }
}

function isPlain(fd: number): boolean {
  const head = Buffer.alloc(MAGIC_SIZE)
  const found = head.subarray(0, readSync(fd, head, 0, MAGIC_SIZE, 0))
  return toolFor(found) === undefined && detectCompression(found) === 'none'
}
