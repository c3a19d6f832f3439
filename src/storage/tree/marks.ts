import { isErrno } from '../../base/errors.ts'
import { fdXattr } from '../../syscall/xattr.ts'
import type { TreeNode } from './node.ts'

/**
 * What hides files of lower directories. `kernel`: character devices 0:0 and attributes. `fuse`: those too, and the names
 * that start with `.wh.`, which that driver lets nobody else use. `none`: nothing does.
 */
export type MarkStyle = 'none' | 'kernel' | 'fuse'

/** Of an image's layer in the store: unpacking leaves no other file with such a name there. See markOpaque(). */
export const LAYER_STYLE: MarkStyle = 'fuse'

const PREFIX = Buffer.from('.wh.')
const OPAQUE_NAMES: readonly Buffer[] = ['.wh..wh..opq', '.wh..opq'].map((name) => Buffer.from(name))
const OPAQUE_XATTRS = ['user.overlay.opaque', 'user.fuseoverlayfs.opaque', 'trusted.overlay.opaque']
const YES = 0x79

/** What a name alone says: `opaque` for the whole directory, or the name that it hides. */
export function markOfName(name: Buffer, style: MarkStyle): 'opaque' | Buffer | undefined {
  if (style !== 'fuse' || !name.subarray(0, PREFIX.length).equals(PREFIX)) return undefined
  if (OPAQUE_NAMES.some((mark) => mark.equals(name))) return 'opaque'
  return name.subarray(PREFIX.length)
}

/** Only a driver can have made one: user namespaces do not let anybody else. */
export function isWhiteoutNode({ facts }: TreeNode, style: MarkStyle): boolean {
  return style !== 'none' && facts.type === 'character' && facts.devMajor === 0 && facts.devMinor === 0
}

/** Whether a directory says that nothing of the lower ones shows through. */
export function isOpaqueDirectory(fd: number, names: readonly Buffer[], style: MarkStyle): boolean {
  if (style === 'none') return false
  if (style === 'fuse' && names.some((name) => markOfName(name, style) === 'opaque')) return true
  return OPAQUE_XATTRS.some((name) => attribute(fd, name)?.[0] === YES)
}

function attribute(fd: number, name: string): Buffer | undefined {
  try {
    return fdXattr(fd, name)
  } catch (error) {
    // Without the right to read the directory it has no contents to hide either.
    if (!isErrno(error, 'EACCES')) throw error
    return undefined
  }
}
