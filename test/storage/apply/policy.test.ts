import { describe, expect, it } from 'vitest'
import { classifyName } from '../../../src/storage/apply/whiteout.ts'
import { xattrPolicy } from '../../../src/storage/apply/xattrs.ts'

describe('classifyName()', () => {
  it.each([
    ['a', 'entry', 'a'],
    ['a.wh.b', 'entry', 'a.wh.b'],
    ['.wh', 'entry', '.wh'],
    ['.whx/a', 'entry', '.whx/a'],
    ['x.wh./a', 'entry', 'x.wh./a'],
    ['.wh.a', 'whiteout', 'a'],
    ['d/.wh.a', 'whiteout', 'd/a'],
    ['.wh....', 'whiteout', '...'],
    ['.wh..a', 'whiteout', '.a'],
    ['.wh. ', 'whiteout', ' '],
    ['.wh..wh..opq', 'opaque', ''],
    ['d/.wh..wh..opq', 'opaque', 'd'],
  ])('takes "%s" for: %s "%s"', (name, kind, path) => {
    const found = classifyName(Buffer.from(name))
    expect({ kind: found.kind, path: 'path' in found ? found.path.toString() : '' }).toEqual({ kind, path })
  })

  it.each([
    '.wh..wh.plnk',
    '.wh..wh.plnk/1.2',
    'd/.wh..wh.aufs',
    '.wh..wh.orph/x',
    '.wh..wh..opq/x',
    '.wh..wh.',
  ])('leaves out the bookkeeping of AUFS: "%s"', (name) => {
    expect(classifyName(Buffer.from(name))).toEqual({ kind: 'metadata' })
  })

  it.each([
    '.wh.',
    '.wh..',
    '.wh...',
    'd/.wh.',
    'd/.wh..',
    'd/.wh...',
    '.wh.a/b',
    'd/.wh.a/b/c',
    '.wh.a/.wh.b',
  ])('refuses "%s"', (name) => {
    expect(() => classifyName(Buffer.from(name))).toThrow(
      expect.objectContaining({ code: 'INVALID_ARCHIVE' }),
    )
  })
})

describe('xattrPolicy()', () => {
  it.each([
    ['user.mime_type', 'set'],
    ['user.overlayed', 'set'],
    ['security.capability', 'set'],
    ['security.selinux', 'drop'],
    ['security.ima', 'drop'],
    ['system.posix_acl_access', 'drop'],
    ['trusted.md5sum', 'drop'],
    ['', 'drop'],
    ['user.overlay.opaque', 'refuse'],
    ['user.overlay.redirect', 'refuse'],
    ['user.overlay.metacopy', 'refuse'],
    ['trusted.overlay.opaque', 'refuse'],
    ['user.fuseoverlayfs.opaque', 'refuse'],
    ['user.containers.override_stat', 'refuse'],
    ['user.a\0b', 'refuse'],
  ])('for "%s" is to %s', (name, policy) => {
    expect(xattrPolicy(name)).toBe(policy)
  })
})
