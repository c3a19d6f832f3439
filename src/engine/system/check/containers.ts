import { existsSync, readdirSync, symlinkSync } from 'node:fs'
import type { ContainerId } from '../../../base/brand.ts'
import { BryoError } from '../../../base/errors.ts'
import { shortId } from '../../../base/shortId.ts'
import { readNameLink } from '../../../storage/container/find.ts'
import { type ContainerRecord, isContainerId, readContainer } from '../../../storage/container/record.ts'
import { removeContainer } from '../../../storage/container/remove.ts'
import { readState } from '../../../storage/container/state.ts'
import { hostPath } from '../../../storage/hostPath.ts'
import { hasLayer } from '../../../storage/layer/layers.ts'
import { unlinkIfThere } from '../../../storage/lock.ts'
import { ensureVolume, readVolume } from '../../../storage/volume/volumes.ts'
import { workName } from '../../../storage/work.ts'
import type { Engine } from '../../engine.ts'
import type { Finding } from './finding.ts'

/** Records, states, layers, names and volumes of all containers. What another process makes or removes is left out. */
export function checkContainers(engine: Engine): readonly Finding[] {
  const { store } = engine
  return readdirSync(store.containers).flatMap((name) => {
    if (!isContainerId(name)) return [strangeDirectory(engine, name)]
    if (existsSync(hostPath(store.pending, workName('container', name)))) return []
    const record = attempt(() => readContainer(store, name))
    if (record === 'unreadable' || record === undefined) return [withoutRecord(engine, name, record)]
    return [
      ...checkState(engine, record),
      ...checkLayers(engine, record),
      ...checkName(engine, record),
      ...checkVolumes(engine, record),
    ]
  })
}

function strangeDirectory({ store }: Engine, name: string): Finding {
  return { subject: `"${name}"`, problem: `it lies in ${store.containers} and is no container` }
}

function withoutRecord(engine: Engine, id: ContainerId, found: 'unreadable' | undefined): Finding {
  return {
    subject: `container ${shortId(id)}`,
    problem: found === undefined ? 'it has no record' : 'its record cannot be read',
    remedy: 'removed',
    loses: found !== undefined,
    mend: () => remove(engine, id),
  }
}

function remove({ store, runInUserns }: Engine, id: ContainerId): void {
  removeContainer(store, id, { runInUserns, removeVolumes: false })
}

function checkState(engine: Engine, record: ContainerRecord): readonly Finding[] {
  const { store } = engine
  if (attempt(() => readState(store, record.id)) !== 'unreadable') return []
  return [
    {
      subject: `container ${record.name}`,
      problem: 'its state cannot be read',
      remedy: 'noted as ended',
      // Without a state it counts as created, and can be started.
      mend: () => unlinkIfThere(hostPath(store.containers, record.id, 'state.json')),
    },
  ]
}

function checkLayers(engine: Engine, record: ContainerRecord): readonly Finding[] {
  const missing = record.layers.filter((diffId) => !hasLayer(engine.store, diffId))
  if (missing.length === 0) return []
  return [
    {
      subject: `container ${record.name}`,
      problem: `${missing.length} of its layers are missing`,
      remedy: 'removed',
      loses: true,
      mend: () => remove(engine, record.id),
    },
  ]
}

function checkName({ store }: Engine, record: ContainerRecord): readonly Finding[] {
  const owner = readNameLink(store, record.name)
  if (owner === record.id) return []
  const subject = `container ${shortId(record.id)}`
  if (owner !== undefined) return [{ subject, problem: `its name ${record.name} is another container's` }]
  const mend = () => symlinkSync(record.id, hostPath(store.names, record.name))
  return [{ subject, problem: `its name ${record.name} leads nowhere`, remedy: 'named again', mend }]
}

function checkVolumes({ store }: Engine, record: ContainerRecord): readonly Finding[] {
  return record.volumes
    .filter((name) => attempt(() => readVolume(store, name)) === undefined)
    .map((name) => ({
      subject: `container ${record.name}`,
      problem: `its volume ${name} is missing`,
      remedy: 'made anew, empty',
      mend: () => {
        const anonymous = record.anonymousVolumes.includes(name)
        ensureVolume(store, { name, anonymous, created: new Date().toISOString() })
      },
    }))
}

/** What a spoilt file gives. */
export function attempt<T>(read: () => T): T | 'unreadable' {
  try {
    return read()
  } catch (error) {
    if (error instanceof BryoError && error.code === 'STORAGE') return 'unreadable'
    throw error
  }
}
