import { closeSync, fstatSync, openSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import { type IdMapping, type IdMaps, toHostId } from '../../base/idmap.ts'
import { readFd, writeFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import { openTreeClone } from '../../syscall/mount.ts'
import { openInRootIfPresent } from '../../syscall/rootPath.ts'
import type { UserRequest } from '../plan.ts'
import { parseGroup, parsePasswd, type ResolvedUser, resolveUser } from '../user.ts'
import { addedLines, newEntries } from '../userEntries.ts'
import type { DetachedMount } from './mounts.ts'

/** No image needs more, and a hostile one must not fill the memory. */
const MAX_FILE_BYTES = 4 * 1024 * 1024

/** A file of the caller that can be filled and then shown inside the container. */
export interface GeneratedFile {
  readonly writeFd: number
  readonly mount: DetachedMount
}

export interface IdentityFiles {
  readonly passwd: GeneratedFile
  readonly group: GeneratedFile
}

/** Made before the host's root is left; undefined where the image's own files will do. */
export function openIdentityFiles(directory: string, user: UserRequest): IdentityFiles | undefined {
  const mayAdd = user.passwdEntry !== undefined || user.hostUsers !== undefined || /^\d/.test(user.text)
  if (!user.addEntries || !mayAdd) return undefined
  return { passwd: openGenerated(`${directory}/passwd`), group: openGenerated(`${directory}/group`) }
}

function openGenerated(path: string): GeneratedFile {
  const fd = openSync(path, O.wronly | O.creat | O.trunc | O.nofollow | O.cloexec, 0o644)
  return { writeFd: fd, mount: { fd: openTreeClone({ path, recursive: false }), isDirectory: false } }
}

export interface Identity extends ResolvedUser {
  /** Text of /etc/passwd and /etc/group with an entry for a user that the image does not know. */
  readonly generated: { readonly passwd: string; readonly group: string } | undefined
}

/** Finds the user in the container's own files, which are read as data and never trusted to be files. */
export function lookUpIdentity(rootFd: number, request: UserRequest, maps: IdMaps): Identity {
  const passwdText = readBounded(rootFd, '/etc/passwd')
  const groupText = readBounded(rootFd, '/etc/group')
  const [passwd, group] = [parsePasswd(passwdText), parseGroup(groupText)]
  const files = { passwd, group }
  const offered = newEntries(request, files)
  const found = resolveUser(request.text, request.groups, { passwd: [...passwd, ...offered], group })
  checkMapped('user', found.uid, maps.uid)
  checkMapped('group', found.gid, maps.gid)
  const user = {
    ...found,
    additionalGids: found.additionalGids.filter((gid) => toHostId(maps.gid, gid) !== undefined),
  }
  const added = addedLines(user, request, files)
  if (!added) return { ...user, generated: undefined }
  return {
    ...user,
    home: added.home ?? user.home,
    generated: {
      passwd: [endLine(passwdText), ...added.passwd].join(''),
      group: [endLine(groupText), ...added.group].join(''),
    },
  }
}

function checkMapped(kind: 'user' | 'group', id: number, map: readonly IdMapping[]): void {
  if (toHostId(map, id) !== undefined) return
  const ids = map.reduce((sum, { size }) => sum + size, 0)
  throw new BryoError(
    'RUNTIME',
    `cannot use ${kind} ${id}: the container's ${ids} mapped ids do not have it`,
    {
      hint: 'grant more subordinate ids (see: bryo doctor), or choose others with --userns or --user',
    },
  )
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}

function readBounded(rootFd: number, path: string): string {
  const fd = openFile(rootFd, path)
  if (fd === undefined) return ''
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile())
      throw new BryoError('RUNTIME', `cannot read "${path}" inside the container: not a regular file`)
    if (stat.size > MAX_FILE_BYTES)
      throw new BryoError(
        'RUNTIME',
        `cannot read "${path}" inside the container: ${stat.size} bytes, expected at most ${MAX_FILE_BYTES}`,
      )
    const buffer = Buffer.alloc(Math.min(MAX_FILE_BYTES, stat.size))
    let length = 0
    while (length < buffer.length) {
      const count = readFd(fd, buffer.subarray(length))
      if (count === 0) break
      length += count
    }
    return buffer.toString('utf8', 0, length)
  } finally {
    closeSync(fd)
  }
}

function openFile(rootFd: number, path: string): number | undefined {
  try {
    return openInRootIfPresent(rootFd, path, O.rdonly | O.nonblock | O.noctty)
  } catch (error) {
    if (!isErrno(error, 'ELOOP', 'ENXIO')) throw error
    throw new BryoError(
      'RUNTIME',
      `cannot read "${path}" inside the container: ${isErrno(error, 'ELOOP') ? 'a loop of symbolic links' : 'not a regular file'}`,
      { cause: error },
    )
  }
}

/** Fills a generated file and closes it for writing. */
export function fillGenerated(file: GeneratedFile, text: string): void {
  writeFd(file.writeFd, Buffer.from(text))
}

export function closeGenerated(files: IdentityFiles | undefined): void {
  for (const file of files ? [files.passwd, files.group] : []) closeSync(file.writeFd)
}
