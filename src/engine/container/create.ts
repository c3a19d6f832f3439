import { writeFileSync } from 'node:fs'
import type { Digest } from '../../base/brand.ts'
import { BryoError, isErrno } from '../../base/errors.ts'
import { allStores } from '../../storage/additional.ts'
import { type ContainerDraft, createContainerRecord } from '../../storage/container/create.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { appendEvent } from '../../storage/events.ts'
import { lockForAdding } from '../../storage/image/edit.ts'
import type { ImageRecord } from '../../storage/image/record.ts'
import type { JsonValue } from '../../storage/json.ts'
import { recoverStore } from '../../storage/recover.ts'
import type { Engine } from '../engine.ts'
import type { OnProgress } from '../image/progress.ts'
import { buildCommand } from './environment.ts'
import { containerEvent } from './event.ts'
import { type RegistryLogin, resolveImage, withImageMounts } from './image.ts'
import { withJoinedIds } from './joins.ts'
import { checkLog } from './logConfig.ts'
import { type ContainerOutline, outlineContainer } from './outline.ts'
import type { ContainerRequest } from './request.ts'
import { asksForGroup } from './resources.ts'
import type { StoredConfig } from './stored.ts'
import { withSystemd } from './systemd.ts'
import { makeVolumes, planVolumes, withImageVolumes } from './volumes.ts'
import { withVolumesFrom } from './volumesFrom.ts'

export interface CreatedContainer {
  readonly draft: ContainerDraft
  readonly config: StoredConfig
  readonly image: ImageRecord | undefined
}

export interface CreateOptions {
  /** Called when nothing about the options can be wrong any more, and nothing is made yet. */
  readonly onOutline?: (outline: ContainerOutline) => void
  readonly onProgress?: OnProgress
  readonly registry?: RegistryLogin
}

/**
 * Makes a container's record, its name and its volumes; pulls the image where the policy says so. The caller commits the draft.
 * @throws BryoError; nothing is left then
 */
export async function createContainer(
  engine: Engine,
  asked: ContainerRequest,
  options: CreateOptions = {},
): Promise<CreatedContainer> {
  const joining = withJoinedIds(engine.store, withRequired(engine, asked))
  const named = await withImageMounts(engine, withVolumesFrom(engine, joining))
  checkRequest(named)
  recoverStore(engine.store, engine.runInUserns)
  // Until the record names the layers, nothing else keeps them.
  using _adding = lockForAdding(engine.store)
  const image = await resolveImage(engine, named, options)
  const request = withSystemd(withImageVolumes(named, image?.config), image?.config)
  const layers = await layersOf(engine, image)
  if ((request.limits ?? request.cgroupParent) !== undefined || asksForGroup(request))
    (await import('./resourcesCheck.ts')).checkResources(engine, request)
  const outline = outlineContainer(engine, request, image?.config)
  options.onOutline?.(outline)
  const volumes = planVolumes(request, image?.config)
  const config: StoredConfig = { request, volumes }
  const draft = createContainerRecord(
    engine.store,
    {
      name: request.name,
      created: new Date().toISOString(),
      ...(image && { image: { id: image.id, name: imageName(request, image) } }),
      layers,
      command: buildCommand(request, image?.config),
      volumes: volumes.map((volume) => volume.name),
      anonymousVolumes: volumes.filter((volume) => volume.anonymous).map((volume) => volume.name),
      autoRemove: request.autoRemove,
      durable: !request.autoRemove,
      config: config as unknown as JsonValue,
    },
    engine.runInUserns,
  )
  try {
    makeVolumes(engine, volumes)
    if (request.cidfile !== undefined) writeCidfile(request.cidfile, draft.record.id)
  } catch (error) {
    draft.discard()
    throw error
  }
  appendEvent(engine.store, containerEvent(draft.record, 'create'))
  return { draft, config, image }
}

/** By their ids: names may mean others by the time of a start, in a circle even. @throws BryoError NOT_FOUND */
function withRequired({ store }: Engine, request: ContainerRequest): ContainerRequest {
  if (request.requires === undefined) return request
  return { ...request, requires: request.requires.map((name) => requireContainer(store, name).id) }
}

/** The image's layers, the lowest first, and what has to lie on those of a store for several users. */
async function layersOf(engine: Engine, image: ImageRecord | undefined): Promise<readonly Digest[]> {
  const layers = image?.layers.map(({ diffId }) => diffId) ?? []
  if (!allStores(engine.store).some(({ shared = false }) => shared)) return layers
  const { withOwnDirectories } = await import('./sharedDirectories.ts')
  return withOwnDirectories(engine, layers)
}

function imageName(request: ContainerRequest, image: ImageRecord): string {
  return image.names[0] ?? request.image ?? image.id
}

function checkRequest(request: ContainerRequest): void {
  checkLog(request)
  if (request.image === undefined && request.rootfs === undefined) {
    throw new BryoError('USAGE', 'cannot create a container: neither an image nor --rootfs was given')
  }
  if (request.workdir !== undefined && !request.workdir.startsWith('/')) {
    throw new BryoError(
      'USAGE',
      `the working directory "${request.workdir}" is invalid, it needs to be an absolute path`,
    )
  }
  for (const { target } of request.mounts) {
    if (!target.startsWith('/'))
      throw new BryoError('USAGE', `invalid container path "${target}", must be an absolute path`)
  }
}

/** @throws BryoError USAGE where the file exists: another container may be in it */
function writeCidfile(path: string, id: string): void {
  try {
    writeFileSync(path, id, { flag: 'wx', mode: 0o644 })
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
    throw new BryoError('USAGE', `container id file "${path}" exists, expected none`, {
      hint: 'make sure the other container is not running, and delete the file',
      cause: error,
    })
  }
}
