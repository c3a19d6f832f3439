import { BryoError, isErrno } from '../../base/errors.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { explainSpace } from '../../storage/space.ts'
import { findVolume, finishCopyUp, lockVolume } from '../../storage/volume/volumes.ts'
import { ownFd } from '../../syscall/fd.ts'
import { AT_FDCWD, O, openat2 } from '../../syscall/file.ts'
import { openArchive } from '../archiveFile.ts'
import { runInMaps } from '../container/rootAccess/runInMaps.ts'
import { defaultMaps, type Engine } from '../engine.ts'
import { expansionLimit } from '../expansion.ts'
import { unpackLayer } from '../unpackLayer.ts'
import { contentDirectory } from './content.ts'
import { archiveDirectory } from './stage/archiveDirectory.ts'

/**
 * Writes the content of a volume to `output` as a tar archive, with the owners that containers see.
 * @throws BryoError NOT_FOUND, AMBIGUOUS, UNSUPPORTED for a tmpfs, NO_SPACE; an Error with `code` EPIPE where nobody reads any more
 */
export function exportVolume(engine: Engine, name: string, output: number): void {
  const volume = findVolume(engine.store, name)
  const path = contentDirectory(volume)
  using directory = ownFd(openat2({ dirfd: AT_FDCWD, path, flags: O.path | O.directory }))
  try {
    runInMaps(engine, {
      what: `export volume "${volume.name}"`,
      maps: defaultMaps(engine),
      keepFds: [directory.fd, output],
      work: () => archiveDirectory(directory.fd, output),
    })
  } catch (error) {
    if (!isErrno(error, 'ENOSPC', 'EDQUOT')) throw error
    const message = `cannot export volume "${volume.name}": no room for the archive`
    throw new BryoError('NO_SPACE', message, { cause: error })
  }
}

const STDIN = 0

/**
 * Unpacks a tar archive (plain, gzip or zstd) into a volume, beside what is there and over what has the same name. No link
 * is followed out of the volume, be it of the archive or planted before.
 * @param source a file, or `-` for standard input
 * @throws BryoError NOT_FOUND, AMBIGUOUS, UNSUPPORTED, INVALID_ARCHIVE, SUBIDS_MISSING, NO_SPACE; what was unpacked so far stays
 */
export async function importVolume(engine: Engine, name: string, source: string): Promise<void> {
  const volume = findVolume(engine.store, name)
  const path = contentDirectory(volume)
  using input = source === '-' ? undefined : openArchive(source)
  // A container that starts meanwhile does not copy what its image has into it as well.
  using _lock = lockVolume(engine.store, volume.name)
  const { identity, facts, defaultIds } = engine
  try {
    await unpackLayer({
      input: input?.fd ?? STDIN,
      directory: hostPath(path),
      kind: 'files',
      userns: { maps: defaultIds().maps, identity: identity(), searchPath: facts.env.PATH },
      limit: expansionLimit(facts.env),
    })
  } catch (error) {
    throw explainSpace(error, path)
  }
  finishCopyUp(engine.store, volume.name)
}
