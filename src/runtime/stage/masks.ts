import { closeSync, fstatSync } from 'node:fs'
import { O } from '../../syscall/file.ts'
import { newMount } from '../../syscall/fsmount.ts'
import { MOUNT_ATTR, mountSetattr, moveMountOnto, openTreeClone } from '../../syscall/mount.ts'
import { openInRootIfPresent } from '../../syscall/rootPath.ts'
import { openNullDevice } from './devices.ts'

const LOCKED_DOWN = MOUNT_ATTR.rdonly | MOUNT_ATTR.nosuid | MOUNT_ATTR.nodev | MOUNT_ATTR.noexec

/** Where paths are looked up. */
export interface ProtectedTrees {
  readonly rootFd: number
  /**
   * Descriptors of mounts by their targets: what lies in one of them is found there, also where another container has
   * moved the directory below the mount meanwhile.
   */
  readonly kernelTrees: ReadonlyMap<string, number>
}

/** Hides paths: a file reads as empty, a directory is empty. Paths that the kernel does not have are left out. */
export function maskPaths(trees: ProtectedTrees, paths: readonly string[]): void {
  if (paths.length === 0) return
  const nullFd = openNullDevice(trees.rootFd)
  try {
    for (const path of paths) withTarget(trees, path, (target) => maskTarget(target, nullFd))
  } finally {
    closeSync(nullFd)
  }
}

function maskTarget(target: number, nullFd: number): void {
  const mask = fstatSync(target).isDirectory()
    ? newMount(
        {
          fstype: 'tmpfs',
          source: 'tmpfs',
          options: { size: '0', nr_inodes: '1', mode: '0555' },
          attributes: LOCKED_DOWN,
        },
        closeSync,
      )
    : openTreeClone({ dirfd: nullFd, path: '', recursive: false })
  try {
    moveMountOnto(mask, target)
  } finally {
    closeSync(mask)
  }
}

/** Makes paths read-only with everything below them. */
export function protectPaths(trees: ProtectedTrees, paths: readonly string[]): void {
  for (const path of paths) withTarget(trees, path, protectTarget)
}

function protectTarget(target: number): void {
  const copy = openTreeClone({ dirfd: target, path: '', recursive: true })
  try {
    mountSetattr({ dirfd: copy, path: '', recursive: true, set: LOCKED_DOWN })
    moveMountOnto(copy, target)
  } finally {
    closeSync(copy)
  }
}

function withTarget(trees: ProtectedTrees, path: string, act: (target: number) => void): void {
  const [base, rest] = inTree(trees, path)
  const target = openInRootIfPresent(base, rest, O.path, { strict: true })
  if (target === undefined) return
  try {
    act(target)
  } finally {
    closeSync(target)
  }
}

function inTree(
  { rootFd, kernelTrees }: ProtectedTrees,
  path: string,
): readonly [base: number, path: string] {
  for (const [tree, fd] of kernelTrees) {
    if (path === tree || path.startsWith(`${tree}/`)) return [fd, path.slice(tree.length)]
  }
  return [rootFd, path]
}
