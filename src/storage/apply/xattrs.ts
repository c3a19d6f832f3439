import { closeSync, openSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import { lsetxattr, O } from '../../syscall/file.ts'
import { childOf, inChroot, type LayerPath, quotePath } from './layerPath.ts'

/** `refuse` fails the layer; `drop` leaves the attribute out without a word. */
export type XattrPolicy = 'set' | 'drop' | 'refuse'

/** What the overlay drivers keep in attributes: in a layer it would hide or redirect other layers' files. */
const DRIVER_PREFIXES = [
  'user.overlay.',
  'trusted.overlay.',
  'user.fuseoverlayfs.',
  'user.containers.override_stat',
]

/**
 * Kept are file capabilities and the users' own attributes. The host's security labels and the attributes of
 * the trusted and system namespaces mean nothing on another host, and need rights that root of a user namespace lacks.
 * @see xattr(7)
 */
export function xattrPolicy(name: string): XattrPolicy {
  if (DRIVER_PREFIXES.some((prefix) => name.startsWith(prefix))) return 'refuse'
  if (name.includes('\0')) return 'refuse'
  return name === 'security.capability' || name.startsWith('user.') ? 'set' : 'drop'
}

/**
 * Sets the attributes of an entry. To be done after its owner is set, which clears the capabilities.
 * @throws BryoError INVALID_ARCHIVE for an attribute of the overlay drivers, STORAGE where the filesystem takes none
 */
export function applyXattrs(path: LayerPath, xattrs: ReadonlyMap<string, Buffer>, isSymlink: boolean): void {
  for (const [name, value] of xattrs) {
    const policy = xattrPolicy(name)
    if (policy === 'refuse') {
      throw new BryoError(
        'INVALID_ARCHIVE',
        `cannot unpack ${quotePath(path)}: it has the attribute ${quotePath(Buffer.from(name))}, expected none of an overlay driver`,
      )
    }
    // The kernel has no user attributes on links.
    if (policy === 'drop' || (isSymlink && name.startsWith('user.'))) continue
    setXattr(path, name, value)
  }
}

function setXattr(path: LayerPath, name: string, value: Buffer): void {
  try {
    lsetxattr(inChroot(path), name, value)
  } catch (error) {
    // ENOSPC: some filesystems keep a file's attributes in one block, and it is that which is full.
    if (!isErrno(error, 'EOPNOTSUPP', 'ENOTSUP', 'E2BIG', 'ERANGE', 'ENOSPC')) throw error
    throw new BryoError(
      'STORAGE',
      `cannot unpack ${quotePath(path)}: the filesystem does not take the attribute ${name} of ${value.length} bytes`,
      { cause: error },
    )
  }
}

/** The kernel's driver (mounted with userxattr) and fuse-overlayfs both read this one. */
const OPAQUE_XATTR = 'user.overlay.opaque'

/** What fuse-overlayfs reads in its place; the kernel's driver works on no filesystem that needs it. */
const OPAQUE_NAME = Buffer.from('.wh..wh..opq')

/** Hides what the layers below have in this directory. */
export function markOpaque(path: LayerPath): void {
  try {
    lsetxattr(inChroot(path), OPAQUE_XATTR, Buffer.from('y'))
  } catch (error) {
    // tmpfs before Linux 6.6 has no attributes of users.
    if (!isErrno(error, 'EOPNOTSUPP', 'ENOTSUP')) throw error
    closeSync(
      openSync(inChroot(childOf(path, OPAQUE_NAME)), O.creat | O.wronly | O.nofollow | O.cloexec, 0o600),
    )
  }
}
