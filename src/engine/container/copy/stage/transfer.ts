import { closeSync } from 'node:fs'
import type { UserRequest } from '../../../../runtime/plan.ts'
import { lookUpIdentity } from '../../../../runtime/stage/identity.ts'
import type { PlaceOptions } from '../../../../storage/tree/place.ts'
import { pipe } from '../../../../syscall/fd.ts'
import { forkChild, waitForExit } from '../../../../syscall/process.ts'
import { readIdMaps } from '../../../../userns/nested.ts'
import { readAll } from '../../../../userns/program.ts'
import { reportMain, resultOfReport } from '../../../stage/report.ts'
import { type CopyOwner, ownerOf } from '../owner.ts'
import { planArchive, planCopy, requireDirectory } from '../plan.ts'
import type { SideRoot } from '../side.ts'
import { receivePlan, sendCopyMessage } from './messages.ts'
import { openSource, type SourceRequest } from './source.ts'
import { openTarget, type TargetRequest } from './target.ts'
import type { UnpackedTree } from './unpackTree.ts'

/** How files are to be placed; what it takes to know that is looked up where they are placed. */
export interface PlaceRequest {
  readonly overwrite: boolean
  /** Set for a container. */
  readonly user?: UserRequest | undefined
  /** The archive's owners are ids of the host. */
  readonly idsOfHost: boolean
}

const NOTHING: UnpackedTree = { skippedDevices: 0 }

/** The side that is copied from: says what it has found, and writes it once it knows how. */
export function sendSide(
  root: SideRoot,
  request: SourceRequest,
  fds: { readonly socket: number; readonly out: number },
): void {
  using source = openSource(root.paths, request)
  sendCopyMessage(fds.socket, { kind: 'source', found: source.found })
  const plan = receivePlan(fds.socket)
  if (plan) source.write(fds.out, plan)
}

/** The side that is copied to. */
export function receiveSide(
  root: SideRoot,
  request: TargetRequest & PlaceRequest,
  fds: { readonly socket: number; readonly tar: number },
): UnpackedTree {
  using target = openTarget(root.paths, request)
  sendCopyMessage(fds.socket, { kind: 'target', found: target.found })
  const plan = receivePlan(fds.socket)
  return plan ? target.unpack(fds.tar, plan.into, placeOptions(root, request)) : NOTHING
}

/** From a container to an archive. */
export function sendArchive(root: SideRoot, request: SourceRequest, outFd: number): void {
  using source = openSource(root.paths, request)
  source.write(outFd, planArchive(source.found))
}

/** From an archive to a container. */
export function receiveArchive(
  root: SideRoot,
  request: TargetRequest & PlaceRequest,
  tarFd: number,
): UnpackedTree {
  using target = openTarget(root.paths, request)
  requireDirectory(target.found)
  return target.unpack(tarFd, 'itself', placeOptions(root, request))
}

/** Within one container: a second process reads what this one writes. */
export function copyWithin(
  root: SideRoot,
  from: SourceRequest,
  to: TargetRequest & PlaceRequest,
): UnpackedTree {
  using source = openSource(root.paths, from)
  using target = openTarget(root.paths, to)
  const plan = planCopy(source.found, target.found)
  const skip = target.found.kind === 'directory' ? target.found.key : undefined
  const [tarRead, tarWrite] = pipe()
  const [reportRead, reportWrite] = pipe()
  const pid = forkChild(() => {
    closeSync(tarRead)
    return reportMain(reportWrite, () => source.write(tarWrite, plan, skip))
  })
  closeSync(tarWrite)
  closeSync(reportWrite)
  try {
    return target.unpack(tarRead, plan.into, placeOptions(root, to))
  } finally {
    closeSync(tarRead)
    const report = readAll(reportRead)
    waitForExit(pid)
    resultOfReport<void>(report, 'read files')
  }
}

const ALL_BITS = 0o7777
/** On the host, a container's set-id program would run with the rights of the caller. */
const NO_SET_ID = 0o1777

function placeOptions({ rootFd }: SideRoot, request: PlaceRequest): PlaceOptions {
  const inContainer = rootFd !== undefined
  return {
    ownerOf: ownerOf(inContainer ? containerOwner(rootFd, request) : { kind: 'caller' }),
    modeMask: inContainer ? ALL_BITS : NO_SET_ID,
    capabilities: inContainer,
    overwrite: request.overwrite,
    writeInPlace: inContainer,
  }
}

function containerOwner(rootFd: number, { user, idsOfHost }: PlaceRequest): CopyOwner {
  const maps = readIdMaps('self')
  if (!user) return idsOfHost ? { kind: 'host', maps } : { kind: 'archive' }
  const { uid, gid } = lookUpIdentity(rootFd, user, maps)
  return { kind: 'user', uid, gid }
}
