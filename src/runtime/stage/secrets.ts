import { closeSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import type { SecretFile } from '../../base/secret.ts'
import { dupAtLeast, ownFd, writeFd } from '../../syscall/fd.ts'
import { chownat, fchmod, mkdirat, O, openat2, RESOLVE, unlinkat } from '../../syscall/file.ts'
import { newMount } from '../../syscall/fsmount.ts'
import { MOUNT_ATTR, mountSetattr, openTreeClone } from '../../syscall/mount.ts'
import { attachMount } from './mounts.ts'

const DIRECTORY = '/run/secrets'
const ATTRIBUTES = MOUNT_ATTR.nosuid | MOUNT_ATTR.nodev | MOUNT_ATTR.noexec
const FIRST_FREE_FD = 3

/**
 * Shows secrets as files of a filesystem in memory, which ends with the container's mount namespace: nothing of them is ever on a
 * disk. What has an absolute target appears there only. The targets are looked up inside the root, as those of all mounts.
 * @throws BryoError MOUNT
 */
export function placeSecrets(rootFd: number, secrets: readonly SecretFile[]): void {
  if (secrets.length === 0) return
  const options = { mode: '0755' }
  const detached = newMount({ fstype: 'tmpfs', source: 'tmpfs', options, attributes: ATTRIBUTES }, closeSync)
  using memory = ownFd(dupAtLeast(detached, FIRST_FREE_FD))
  const elsewhere = secrets.map((secret, index) => {
    const absolute = secret.target.startsWith('/')
    const path = absolute ? `.target-${index}` : secret.target
    writeSecret(memory.fd, path, secret)
    return { path, target: secret.target, absolute }
  })
  // Only what is attached can be cloned.
  attachMount(rootFd, { target: DIRECTORY, strictTarget: false }, { fd: detached, isDirectory: true })
  for (const { path, target, absolute } of elsewhere) {
    if (!absolute) continue
    const fd = openTreeClone({ dirfd: memory.fd, path, recursive: false })
    attachMount(
      rootFd,
      { target, strictTarget: false, attributes: MOUNT_ATTR.rdonly },
      { fd, isDirectory: false },
    )
    // Not before: the kernel attaches nothing that has no name.
    unlinkat(memory.fd, path)
  }
  mountSetattr({ dirfd: memory.fd, path: '', recursive: false, set: MOUNT_ATTR.rdonly })
}

const INSIDE = RESOLVE.beneath | RESOLVE.noSymlinks

function writeSecret(memoryFd: number, path: string, secret: SecretFile): void {
  makeParents(memoryFd, path)
  const flags = O.wronly | O.creat | O.excl | O.nofollow
  using file = ownFd(openat2({ dirfd: memoryFd, path, flags, mode: 0o600, resolve: INSIDE }))
  writeFd(file.fd, Buffer.from(secret.base64, 'base64'))
  if (secret.uid !== undefined || secret.gid !== undefined) giveTo(file.fd, secret)
  fchmod(file.fd, secret.mode)
}

function makeParents(memoryFd: number, path: string): void {
  const parts = path.split('/').slice(0, -1)
  parts.forEach((_, index) => {
    try {
      mkdirat(memoryFd, parts.slice(0, index + 1).join('/'), 0o755)
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
    }
  })
}

function giveTo(fd: number, { target, uid = 0, gid = 0 }: SecretFile): void {
  try {
    chownat({ dirfd: fd, path: '', uid, gid })
  } catch (error) {
    if (!isErrno(error, 'EINVAL', 'EPERM')) throw error
    throw new BryoError(
      'MOUNT',
      `cannot give secret "${target}" to ${uid}:${gid}: not ids of the container`,
      {
        cause: error,
      },
    )
  }
}
