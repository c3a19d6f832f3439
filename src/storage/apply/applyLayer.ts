import { BryoError } from '../../base/errors.ts'
import type { TarEntry } from '../../base/tarEntry.ts'
import { chdir, chroot, fchdir, umask } from '../../syscall/process.ts'
import {
  createDirectory,
  createFifo,
  createFile,
  createHardLink,
  createSymlink,
  createWhiteout,
  type EntryContext,
} from './createEntry.ts'
import { explainFailure } from './failure.ts'
import { cleanName, type LayerPath, quotePath } from './layerPath.ts'
import { setOverride } from './override.ts'
import { type OwnershipMode, readMappedIds } from './owner.ts'
import { createLayerTree } from './place.ts'
import { classifyName } from './whiteout.ts'
import { markOpaque } from './xattrs.ts'

export interface ApplyLayerOptions {
  /** `keep` by default. */
  readonly ownership?: OwnershipMode
  /** `plain` for what is no layer: a name that begins with `.wh.` is a name as any other. `whiteouts` by default. */
  readonly names?: 'whiteouts' | 'plain'
}

export interface AppliedLayer {
  /** Of files' contents, holes included. */
  readonly bytes: number
  /** Entries of all types, whiteouts included. */
  readonly files: number
  /** Device nodes that were left out. */
  readonly skippedDevices: number
  /** Entries that became root's although the archive names another owner. */
  readonly ignoredOwners: number
}

/**
 * Unpacks a layer into a directory that nobody else uses. Runs in a forked child which is root of a user
 * namespace, and stays in the layer: chroot(2) is what keeps every link, absolute or with `..`, inside.
 *
 * - Names start at `directoryFd`; one with `..` is refused.
 * - Whiteouts become what overlayfs knows: a character device 0:0, and `user.overlay.opaque` on a directory.
 * - Devices are left out: a user namespace may not make them. That includes 0:0, which would be a whiteout that the
 *   archive does not call one.
 * - Parents that are links are followed; missing ones are made, root's and 0755.
 * @throws BryoError INVALID_ARCHIVE, SUBIDS_MISSING, NO_SPACE, STORAGE; what was unpacked so far is left behind
 */
export function applyLayerInChroot(
  directoryFd: number,
  entries: Iterable<TarEntry>,
  options: ApplyLayerOptions = {},
): AppliedLayer {
  const mapped = readMappedIds()
  umask(0)
  // By fd: the directories above it may be out of reach for the ids of this namespace.
  fchdir(directoryFd)
  chroot('.')
  chdir('/')
  const { ownership = 'keep', names = 'whiteouts' } = options
  const describe = (path: LayerPath) => setOverride(path, { uid: 0, gid: 0, mode: 0o755 })
  // On its root, the attribute tells fuse-overlayfs that the layer has them.
  if (ownership === 'attribute') describe(cleanName(Buffer.from('.')))
  const tree = createLayerTree(ownership === 'attribute' ? describe : undefined)
  return applyEntries(entries, { tree, ownership, mapped, names })
}

interface ApplyContext extends EntryContext {
  readonly names: 'whiteouts' | 'plain'
}

function applyEntries(entries: Iterable<TarEntry>, context: ApplyContext): AppliedLayer {
  const counts = { bytes: 0, files: 0, skippedDevices: 0, ignoredOwners: 0 }
  for (const entry of entries) {
    try {
      const created = applyEntry(context, entry)
      if (created === 'device') counts.skippedDevices += 1
      if (created === 'entry' && context.ownership === 'ignore' && (entry.uid !== 0 || entry.gid !== 0)) {
        counts.ignoredOwners += 1
      }
    } catch (error) {
      throw explainFailure(error, entry.name)
    }
    counts.files += 1
    counts.bytes += entry.size
  }
  context.tree.finish()
  return counts
}

function applyEntry(context: ApplyContext, entry: TarEntry): 'entry' | 'device' | 'marker' {
  if (context.names === 'plain') return createEntry(context, cleanName(entry.name), entry)
  const name = classifyName(cleanName(entry.name))
  switch (name.kind) {
    case 'metadata':
      return 'marker'
    case 'whiteout':
      createWhiteout(context, name.path)
      return 'marker'
    case 'opaque':
      // As the parent of the marker itself, which makes it where it is missing.
      context.tree.ensureParent(cleanName(entry.name))
      markOpaque(name.path)
      return 'marker'
    case 'entry':
      return createEntry(context, name.path, entry)
  }
}

function createEntry(context: EntryContext, path: LayerPath, entry: TarEntry): 'entry' | 'device' {
  if (path.length === 0 && entry.type !== 'directory') {
    throw new BryoError(
      'INVALID_ARCHIVE',
      `cannot unpack ${quotePath(entry.name)}: the root is a ${entry.type}, expected a directory`,
    )
  }
  context.tree.ensureParent(path)
  switch (entry.type) {
    case 'file':
      createFile(context, path, entry)
      return 'entry'
    case 'directory':
      createDirectory(context, path, entry)
      return 'entry'
    case 'symlink':
      createSymlink(context, path, entry)
      return 'entry'
    case 'hardlink':
      createHardLink(context, path, entry)
      return 'entry'
    case 'fifo':
      createFifo(context, path, entry)
      return 'entry'
    case 'character':
    case 'block':
      return 'device'
  }
}
