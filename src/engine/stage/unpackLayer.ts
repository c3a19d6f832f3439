import { closeSync } from 'node:fs'
import { BryoError, messageOf } from '../../base/errors.ts'
import { drain, fdSource } from '../../image/tar/input.ts'
import { type ReadTarOptions, readTar } from '../../image/tar/read.ts'
import {
  type AppliedLayer,
  type ApplyLayerOptions,
  applyLayerInChroot,
} from '../../storage/apply/applyLayer.ts'
import { writeFd } from '../../syscall/fd.ts'
import { reportOfError, type UnpackReport } from './unpackReport.ts'

export interface UnpackLayerTask {
  /** Read to its end; the decompressed archive. */
  readonly tarFd: number
  /** The layer's directory. */
  readonly directoryFd: number
  /** Takes an {@link UnpackReport}. */
  readonly resultFd: number
  readonly apply?: ApplyLayerOptions
  readonly tar?: ReadTarOptions
}

/**
 * Unpacks an archive and reports how it went. The body of a forked child that is root of a user namespace: synchronous,
 * and the process is of no use for anything else afterwards, because it has changed its root.
 * @returns the exit status: 0, or 1 for a reported failure
 */
export function unpackLayerMain(task: UnpackLayerTask): number {
  let report: UnpackReport
  try {
    report = { ok: true, ...unpack(task) }
  } catch (error) {
    const known =
      error instanceof BryoError
        ? error
        : new BryoError('STORAGE', `cannot unpack layer: ${messageOf(error)}`, { cause: error })
    report = reportOfError(known)
  }
  writeFd(task.resultFd, Buffer.from(JSON.stringify(report)))
  return report.ok ? 0 : 1
}

function unpack({ tarFd, directoryFd, apply, tar }: UnpackLayerTask): AppliedLayer {
  const applied = applyLayerInChroot(directoryFd, readTar(fdSource(tarFd), tar), apply)
  drain(tarFd)
  closeSync(tarFd)
  return applied
}
