import { basename, resolve } from 'node:path'
import { BryoError, isErrno } from '../../../base/errors.ts'
import { requireContainer } from '../../../storage/container/find.ts'
import { messageSocketPair, ownFd, pipe } from '../../../syscall/fd.ts'
import type { Engine } from '../../engine.ts'
import type { StartedTask } from '../rootAccess/task.ts'
import { type CopyEnd, meansContents, pathInside, pathOnHost } from './arguments.ts'
import { type FoundSource, type FoundTarget, planCopy } from './plan.ts'
import { containerUser, type SidePlace, startSide } from './side.ts'
import { receiveCopyMessage, sendCopyMessage } from './stage/messages.ts'
import type { SourceRequest } from './stage/source.ts'
import type { TargetRequest } from './stage/target.ts'
import {
  copyWithin,
  type PlaceRequest,
  receiveArchive,
  receiveSide,
  sendArchive,
  sendSide,
} from './stage/transfer.ts'
import type { UnpackedTree } from './stage/unpackTree.ts'

export interface CopyOptions {
  /** What comes into a container belongs to its user; else owners are kept. */
  readonly archive: boolean
  readonly overwrite: boolean
}

export interface CopyResult {
  /** What the user should know although it is no error. */
  readonly warnings: readonly string[]
}

type PathEnd = Exclude<CopyEnd, { readonly kind: 'stream' }>

const STDIN = 0
const STDOUT = 1

/**
 * `cp`: copies files between a container and the host, or between containers, as an archive that goes from a process on the one side to
 * one on the other; neither follows links of the other.
 * @throws BryoError NOT_FOUND, USAGE, PERMISSION, NO_SPACE
 */
export async function copyFiles(
  engine: Engine,
  [from, to]: readonly [CopyEnd, CopyEnd],
  options: CopyOptions,
): Promise<CopyResult> {
  if (from.kind === 'stream') return to.kind === 'stream' ? NOTHING : await copyIn(engine, to, options)
  if (to.kind === 'stream') return copyOut(engine, from)
  const [source, target] = [placeOf(engine, from), placeOf(engine, to)]
  const requests = { source: sourceRequest(engine, from), target: targetRequest(engine, to, from, options) }
  if (source.kind === 'container' && target.kind === 'container' && source.record.id === target.record.id) {
    using task = startSide(engine, source, {
      keepFds: [],
      work: (root) => copyWithin(root, requests.source, requests.target),
    })
    return resultOf(task.finish())
  }
  return resultOf(copyBetween(engine, { source, target, requests }))
}

const NOTHING: CopyResult = { warnings: [] }

function resultOf({ skippedDevices }: UnpackedTree): CopyResult {
  if (skippedDevices === 0) return NOTHING
  const nodes = skippedDevices === 1 ? '1 device node was' : `${skippedDevices} device nodes were`
  return { warnings: [`${nodes} left out: only the root of a host may make them`] }
}

function placeOf({ store }: Engine, end: PathEnd): SidePlace {
  return end.kind === 'host'
    ? { kind: 'host' }
    : { kind: 'container', record: requireContainer(store, end.container) }
}

function sourceRequest({ facts }: Engine, end: PathEnd): SourceRequest {
  const contents = meansContents(end.path)
  if (end.kind === 'container') {
    return { path: pathInside(end.path), contents, name: undefined, missing: missing(end) }
  }
  const path = pathOnHost(end.path, facts.cwd)
  return { path, contents, name: basename(resolve(path)), missing: missing(end) }
}

function targetRequest(
  engine: Engine,
  end: PathEnd,
  from: CopyEnd,
  { archive, overwrite }: CopyOptions,
): TargetRequest & PlaceRequest {
  const idsOfHost = from.kind === 'host'
  if (end.kind === 'host') {
    const path = pathOnHost(end.path, engine.facts.cwd)
    return { path, missing: missing(end), overwrite, idsOfHost }
  }
  const record = requireContainer(engine.store, end.container)
  const user = archive ? containerUser(engine, record) : undefined
  return { path: pathInside(end.path), missing: missing(end), overwrite, idsOfHost, user }
}

function missing(end: PathEnd): string {
  const where = end.kind === 'host' ? 'the host' : `container ${end.container}`
  return `"${end.path}" could not be found on ${where}: no such file or directory`
}

interface Between {
  readonly source: SidePlace
  readonly target: SidePlace
  readonly requests: { readonly source: SourceRequest; readonly target: TargetRequest & PlaceRequest }
}

function copyBetween(engine: Engine, { source, target, requests }: Between): UnpackedTree {
  using stack = new DisposableStack()
  const owned = (fd: number) => stack.use(ownFd(fd))
  const [sourceSocket, sourceEnd] = messageSocketPair().map(owned)
  const [targetSocket, targetEnd] = messageSocketPair().map(owned)
  const [tarRead, tarWrite] = pipe().map(owned)
  if (!sourceSocket || !sourceEnd || !targetSocket || !targetEnd || !tarRead || !tarWrite)
    throw new Error('a pair has two ends')
  const reading = startSide(engine, source, {
    keepFds: [sourceEnd.fd, tarWrite.fd],
    work: (root) => sendSide(root, requests.source, { socket: sourceEnd.fd, out: tarWrite.fd }),
  })
  stack.use(reading)
  const writing = startSide(engine, target, {
    keepFds: [targetEnd.fd, tarRead.fd],
    work: (root) => receiveSide(root, requests.target, { socket: targetEnd.fd, tar: tarRead.fd }),
  })
  stack.use(writing)
  for (const end of [sourceEnd, targetEnd, tarRead, tarWrite]) end.close()
  try {
    arrange({ source: sourceSocket.fd, target: targetSocket.fd }, { reading, writing })
  } finally {
    // Who has no plan gives up.
    sourceSocket.close()
    targetSocket.close()
  }
  return finishBoth(reading, writing)
}

interface BothTasks {
  readonly reading: StartedTask<void>
  readonly writing: StartedTask<UnpackedTree>
}

/** Hears what both sides have found, and tells them how to go on. */
function arrange(
  sockets: { readonly source: number; readonly target: number },
  { reading, writing }: BothTasks,
): void {
  const found = { source: hearSource(sockets.source, reading), target: hearTarget(sockets.target, writing) }
  const plan = planCopy(found.source, found.target)
  sendCopyMessage(sockets.source, { kind: 'go', plan })
  sendCopyMessage(sockets.target, { kind: 'go', plan })
}

function hearSource(socket: number, task: StartedTask<void>): FoundSource {
  const message = receiveCopyMessage(socket)
  if (message?.kind === 'source') return message.found
  return endedEarly(task)
}

function hearTarget(socket: number, task: StartedTask<UnpackedTree>): FoundTarget {
  const message = receiveCopyMessage(socket)
  if (message?.kind === 'target') return message.found
  return endedEarly(task)
}

function endedEarly(task: StartedTask<unknown>): never {
  task.finish()
  throw new BryoError('RUNTIME', 'cannot copy files: a process ended before it had found anything')
}

/** What went wrong first: a closed pipe and an archive without an end only tell that the other side failed. */
function finishBoth(reading: StartedTask<void>, writing: StartedTask<UnpackedTree>): UnpackedTree {
  let failure: { readonly error: unknown } | undefined
  try {
    reading.finish()
  } catch (error) {
    failure = { error }
  }
  if (failure && !isErrno(failure.error, 'EPIPE')) throw failure.error
  const unpacked = writing.finish()
  if (failure) throw failure.error
  return unpacked
}

function copyOut(engine: Engine, from: PathEnd): CopyResult {
  const request = sourceRequest(engine, from)
  using task = startSide(engine, placeOf(engine, from), {
    keepFds: [],
    work: (root) => sendArchive(root, request, STDOUT),
  })
  task.finish()
  return NOTHING
}

/** The archive may be compressed, which is undone here. */
async function copyIn(engine: Engine, to: PathEnd, options: CopyOptions): Promise<CopyResult> {
  const request = targetRequest(engine, to, { kind: 'stream' }, options)
  const [readEnd, writeEnd] = pipe()
  using tarWrite = ownFd(writeEnd)
  using tarRead = ownFd(readEnd)
  using task = startSide(engine, placeOf(engine, to), {
    keepFds: [tarRead.fd],
    work: (root) => receiveArchive(root, request, tarRead.fd),
  })
  tarRead.close()
  const { decompressTo } = await import('../../../image/compression.ts')
  try {
    await decompressTo(STDIN, tarWrite.fd)
  } catch (error) {
    tarWrite.close()
    // The child's own failure says more.
    if (isErrno(error, 'EPIPE')) task.finish()
    throw error
  }
  tarWrite.close()
  return resultOf(task.finish())
}
