import type { HostPath } from '../../base/brand.ts'
import { BryoError, isErrno } from '../../base/errors.ts'
import { toHostId } from '../../base/idmap.ts'
import { appendEvent } from '../../storage/events.ts'
import { recoverStore } from '../../storage/recover.ts'
import { anonymousVolumeName, makeVolume, readVolume } from '../../storage/volume/volumes.ts'

import { ownFd } from '../../syscall/fd.ts'
import { AT_FDCWD, chownat, O, openat2 } from '../../syscall/file.ts'
import { subordinateRoot } from '../container/ownership.ts'
import { defaultMaps, type Engine } from '../engine.ts'
import { parseVolumeOptions, type VolumeOwner } from './options.ts'

export interface CreateVolumeRequest {
  /** 64 hex digits where there is none. */
  readonly name?: string | undefined
  readonly driver: string
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** One that is there is no error. */
  readonly ignore: boolean
}

/**
 * Makes a volume and gives its name.
 * @throws BryoError USAGE, UNSUPPORTED for drivers and options, NAME_IN_USE, NO_SPACE
 */
export function createVolume(engine: Engine, request: CreateVolumeRequest): string {
  checkDriver(request.driver)
  const content = parseVolumeOptions(request.options)
  const { name = anonymousVolumeName(), labels, options } = request
  recoverStore(engine.store, engine.runInUserns)
  if (request.ignore && readVolume(engine.store, name)) return name
  const made = makeVolume(engine.store, {
    name,
    created: new Date().toISOString(),
    labels,
    options,
    anonymous: request.name === undefined,
    needsCopyUp: content.copyUp,
    owner: subordinateRoot(engine, defaultMaps(engine)),
    prepare: content.kind === 'directory' ? (path) => giveTo(engine, path, content.owner) : undefined,
  })
  if (made)
    appendEvent(engine.store, { type: 'volume', action: 'create', id: name, name, attributes: labels })
  if (made || request.ignore) return name
  throw new BryoError('NAME_IN_USE', `volume with name ${name} already exists: volume already exists`)
}

/** Nothing is ever looked up or run by a driver's name, a path least of all. */
function checkDriver(driver: string): void {
  if (driver === 'local' || driver === '') return
  throw new BryoError(
    'UNSUPPORTED',
    `cannot create volume: no volume driver "${driver.slice(0, 100)}", expected local`,
  )
}

/** By descriptor: the ids of the namespace cannot walk the store where root has made it. */
function giveTo(engine: Engine, path: HostPath, owner: VolumeOwner): void {
  if (owner.uid === undefined && owner.gid === undefined) return
  const maps = defaultMaps(engine)
  const inside = { uid: owner.uid ?? 0, gid: owner.gid ?? 0 }
  if (toHostId(maps.uid, inside.uid) === undefined || toHostId(maps.gid, inside.gid) === undefined) {
    throw new BryoError(
      'SUBIDS_MISSING',
      `cannot create volume: its owner ${inside.uid}:${inside.gid} is not among the ids of containers`,
      { hint: 'grant more subordinate ids in /etc/subuid and /etc/subgid' },
    )
  }
  using directory = ownFd(openat2({ dirfd: AT_FDCWD, path, flags: O.path | O.directory | O.nofollow }))
  const status = engine.runInUserns(() => {
    try {
      chownat({ dirfd: directory.fd, path: '', ...inside })
      return 0
    } catch (error) {
      if (!isErrno(error, 'EPERM', 'EINVAL')) throw error
      return 1
    }
  })
  if (status.kind !== 'exited' || status.code !== 0) {
    throw new BryoError('PERMISSION', `cannot give "${path}" to ${inside.uid}:${inside.gid} of containers`)
  }
}
