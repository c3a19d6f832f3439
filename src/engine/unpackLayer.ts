import { chownSync, read } from 'node:fs'
import { dirname } from 'node:path'
import type { Digest, HostPath } from '../base/brand.ts'
import { BryoError, isErrno } from '../base/errors.ts'
import { type IdMapping, type IdMaps, toHostId } from '../base/idmap.ts'
import {
  type DecompressInput,
  type DecompressOptions,
  type DecompressResult,
  decompressTo,
} from '../image/compression.ts'
import type { AppliedLayer } from '../storage/apply/applyLayer.ts'
import { growPipe, type OwnedFd, ownFd, pipe } from '../syscall/fd.ts'
import { AT_FDCWD, O, openat2 } from '../syscall/file.ts'
import { type WaitStatus, waitForExit } from '../syscall/process.ts'
import { startInUserNamespace, type UserNamespaceTask } from '../userns/enter.ts'
import { type ExpansionLimit, watchExpansion } from './expansion.ts'
import { unpackLayerMain } from './stage/unpackLayer.ts'
import { expectApplied, parseReport } from './stage/unpackReport.ts'

export interface UnpackLayerRequest {
  /** The archive: plain, gzip or zstd. */
  readonly input: DecompressInput
  /** An empty directory of the caller; with `files`, any directory. */
  readonly directory: HostPath
  /** `files`: no layer but content of a directory, which may hold something and stays whose it is. */
  readonly kind?: 'layer' | 'files'
  /** For several users: owners and modes go to attributes, and everybody may read it. */
  readonly shared?: boolean | undefined
  /** The namespace whose root owns what is unpacked; where it has one id only, owners in the archive are ignored. */
  readonly userns: Pick<UserNamespaceTask, 'maps' | 'identity' | 'searchPath' | 'method'>
  /** Of the input as it comes; checked where given. */
  readonly digest?: Digest | undefined
  /** Of the decompressed archive; checked where given. */
  readonly diffId?: Digest | undefined
  /** What it may become; what no honest archive exceeds by default. */
  readonly limit?: ExpansionLimit
  /** Called with the input's bytes so far. */
  readonly onProgress?: (inputBytes: number) => void
}

export interface UnpackedLayer extends AppliedLayer {
  /** What the archive really is; the same as asked for, where it was. */
  readonly diffId: Digest
  readonly digest: Digest
  /** Bytes of the input. */
  readonly inputBytes: number
}

const PIPE_SIZE = 1024 * 1024

/**
 * Unpacks a layer: this process decompresses and verifies, a child in a user namespace and chrooted into the directory
 * unpacks. After an error the directory holds a part of the layer, for the caller to remove.
 * @throws BryoError INVALID_ARCHIVE, DIGEST_MISMATCH, UNSUPPORTED, SUBIDS_MISSING, NO_SPACE, STORAGE, and those of
 *   the user namespace
 */
export async function unpackLayer(request: UnpackLayerRequest): Promise<UnpackedLayer> {
  const child = startUnpacking(request)
  const { tar, result } = child
  let decompressed: DecompressResult | undefined
  let failure: unknown
  try {
    decompressed = await decompressTo(request.input, tar.fd, decompressOptions(request))
  } catch (error) {
    failure = error
  }
  // Its end tells the child that nothing more comes.
  tar.close()
  const text = await readAll(result.fd)
  result.close()
  const status = waitForExit(child.pid)

  // A closed pipe is the child's failure, which it reports itself; any other failure comes before what it led to.
  if (failure !== undefined && !isErrno(failure, 'EPIPE')) throw failure
  const applied = expectApplied(parseReport(text) ?? failWithoutReport(status))
  if (!decompressed) throw failure
  return { ...applied, ...verify(request, decompressed) }
}

interface UnpackingChild {
  readonly pid: number
  /** Takes the decompressed archive. */
  readonly tar: OwnedFd
  /** Gives the report. */
  readonly result: OwnedFd
}

function startUnpacking({
  directory,
  userns,
  digest,
  diffId,
  kind = 'layer',
  shared = false,
}: UnpackLayerRequest): UnpackingChild {
  if (kind === 'layer') giveToRoot(directory, userns)
  using directoryFd = ownFd(openat2({ dirfd: AT_FDCWD, path: directory, flags: O.path | O.directory }))
  const [tarRead, tarWrite] = pipe()
  const [resultRead, resultWrite] = pipe()
  const tar = ownFd(tarWrite)
  const result = ownFd(resultRead)
  using childTar = ownFd(tarRead)
  using childResult = ownFd(resultWrite)
  const task = { tarFd: childTar.fd, directoryFd: directoryFd.fd, resultFd: childResult.fd }
  // A digest proves that the end is there; without one the archive itself must show it.
  const endMarker = digest || diffId ? 'optional' : 'required'
  const ownership = shared ? 'attribute' : isSingleId(userns.maps) ? 'ignore' : 'keep'
  const names = kind === 'layer' ? 'whiteouts' : 'plain'
  try {
    growPipe(tar.fd, PIPE_SIZE)
    const { pid } = startInUserNamespace({
      ...userns,
      keepFds: Object.values(task),
      main: () => unpackLayerMain({ ...task, apply: { ownership, names }, tar: { endMarker } }),
    })
    return { pid, tar, result }
  } catch (error) {
    tar.close()
    result.close()
    throw error
  }
}

/** Started as root of the host, the namespace has other ids than this process. */
function giveToRoot(directory: HostPath, { maps, identity }: UnpackLayerRequest['userns']): void {
  const uid = toHostId(maps.uid, 0)
  const gid = toHostId(maps.gid, 0)
  if (identity.uid === 0 && uid !== undefined && gid !== undefined) chownSync(directory, uid, gid)
}

function isSingleId({ uid, gid }: IdMaps): boolean {
  const count = (map: readonly IdMapping[]) => map.reduce((sum, { size }) => sum + size, 0)
  return count(uid) === 1 || count(gid) === 1
}

function decompressOptions({
  directory,
  limit = { maxBytes: undefined },
  onProgress,
}: UnpackLayerRequest): DecompressOptions {
  return {
    digestInput: true,
    digestOutput: true,
    onOutput: watchExpansion(dirname(directory), limit),
    ...(onProgress && { onProgress }),
  }
}

async function readAll(fd: number): Promise<string> {
  const parts: Buffer[] = []
  for (;;) {
    const buffer = Buffer.alloc(64 * 1024)
    const count = await new Promise<number>((resolve, reject) => {
      read(fd, buffer, 0, buffer.length, null, (error, bytes) => (error ? reject(error) : resolve(bytes)))
    })
    if (count === 0) return Buffer.concat(parts).toString('utf8')
    parts.push(buffer.subarray(0, count))
  }
}

function failWithoutReport(status: WaitStatus): never {
  const end = status.kind === 'exited' ? `status ${status.code}` : `signal ${status.signal}`
  throw new BryoError(
    'STORAGE',
    `cannot unpack layer: the unpacking process ended with ${end}, expected a report`,
  )
}

function verify(request: UnpackLayerRequest, result: DecompressResult) {
  const { inputDigest, outputDigest, inputBytes } = result
  if (!inputDigest || !outputDigest) throw new Error('decompressTo() gave no digest')
  expectDigest('layer', inputDigest, request.digest)
  const { diffId = outputDigest } = request
  if (outputDigest !== diffId && !result.lacksPaddingOf(diffId)) {
    expectDigest('uncompressed layer', outputDigest, diffId)
  }
  return { digest: inputDigest, diffId, inputBytes }
}

function expectDigest(subject: string, found: Digest, expected: Digest | undefined): void {
  if (expected === undefined || found === expected) return
  throw new BryoError(
    'DIGEST_MISMATCH',
    `cannot use ${subject}: its digest is ${found}, expected ${expected}`,
  )
}
