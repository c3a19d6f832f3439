import { digestHex } from '../../../base/digest.ts'
import { BryoError } from '../../../base/errors.ts'
import { capabilityNames, planCapabilities } from '../../../runtime/capabilities.ts'
import { requireContainer } from '../../../storage/container/find.ts'
import { containerDirectory } from '../../../storage/container/record.ts'
import { effectiveState, isLive } from '../../../storage/container/state.ts'
import { hostPath } from '../../../storage/hostPath.ts'
import { readAllImages } from '../../../storage/image/images.ts'
import { layerDiffPath } from '../../../storage/layer/layers.ts'
import type { Engine } from '../../engine.ts'
import { containerFilesDirectory } from '../files.ts'
import { imageConfigs, imageSizes, writtenBytes } from '../list.ts'
import { planLog } from '../logConfig.ts'
import { storedConfig } from '../stored.ts'
import { configOf } from './config.ts'
import { hostConfigOf } from './hostConfig.ts'
import { mountsOf } from './mounts.ts'
import { networkSettingsOf } from './network.ts'
import { stateOf } from './state.ts'
import type { InspectSubject } from './subject.ts'

/** The document of `inspect`, with the members that Docker and Podman users know. */
export type ContainerInspection = Readonly<Record<string, unknown>>

export interface InspectOptions {
  /** Measure what the container wrote, which takes time. */
  readonly size: boolean
}

/** @throws BryoError NOT_FOUND, AMBIGUOUS */
export function inspectContainer(engine: Engine, name: string, options: InspectOptions): ContainerInspection {
  const record = requireContainer(engine.store, name)
  const config = storedConfig(record)
  const state = effectiveState(engine.store, record.id)
  const image = record.image && imageConfigs(engine)(record.image.id)
  const subject: InspectSubject = { engine, record, config, state, image }
  const [path = '', ...args] = record.command
  return {
    Id: record.id,
    Created: record.created,
    Path: path,
    Args: args,
    State: stateOf(subject),
    Image: record.image ? digestHex(record.image.id) : '',
    ImageDigest: imageDigestOf(subject),
    ImageName: record.image?.name ?? '',
    Rootfs: config.request.rootfs?.path ?? '',
    Pod: '',
    ...filesOf(subject),
    OCIRuntime: 'bryo',
    Name: record.name,
    RestartCount: 'restartCount' in state ? (state.restartCount ?? 0) : 0,
    Driver: 'overlay',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ...capabilitiesOf(subject),
    ExecIDs: [],
    GraphDriver: graphDriverOf(subject),
    ...(options.size && sizesOf(subject)),
    Mounts: mountsOf(subject),
    Dependencies: dependenciesOf(subject),
    NetworkSettings: networkSettingsOf(subject),
    Namespace: '',
    IsInfra: false,
    IsService: false,
    Config: configOf(subject),
    HostConfig: hostConfigOf(subject),
  }
}

function filesOf({ engine, record, config }: InspectSubject): ContainerInspection {
  const files = containerFilesDirectory(engine, record.id)
  const log = planLog(engine.store, record, config.request)
  return {
    ResolvConfPath: hostPath(files, 'resolv.conf'),
    HostnamePath: hostPath(files, 'hostname'),
    HostsPath: hostPath(files, 'hosts'),
    OCIConfigPath: '',
    PidFile: config.request.pidfile ?? '',
    ConmonPidFile: config.request.monitorPidfile ?? '',
    StaticDir: containerDirectory(engine.store, record.id),
    LogPath: log.driver === 'k8s-file' || log.driver === 'json-file' ? log.path : '',
  }
}

/** Of the manifest, as registries know the image; empty where it is gone. */
function imageDigestOf({ engine, record: { image } }: InspectSubject): string {
  return readAllImages(engine.store).find(({ id }) => id === image?.id)?.manifestDigest ?? ''
}

function capabilitiesOf({ config: { request }, image }: InspectSubject): ContainerInspection {
  const user = (request.user ?? image?.user ?? '').split(':', 1)[0] ?? ''
  const capabilities = planCapabilities({
    add: request.capAdd,
    drop: request.capDrop,
    privileged: request.privileged,
    isRoot: ['', '0', 'root'].includes(user),
  })
  return {
    EffectiveCaps: capabilityNames(capabilities.effective).toSorted(),
    BoundingCaps: capabilityNames(capabilities.bounding).toSorted(),
  }
}

/** While it runs, its root as a whole can be looked at through its first process. */
function graphDriverOf({ engine, record, state }: InspectSubject): ContainerInspection {
  const directory = containerDirectory(engine.store, record.id)
  const lower = record.layers.map((diffId) => layerDiffPath(engine.store, diffId)).reverse()
  return {
    Name: 'overlay',
    Data: {
      ...(lower.length > 0 && { LowerDir: lower.join(':') }),
      ...(isLive(state) && { MergedDir: `/proc/${state.process.pid}/root` }),
      UpperDir: hostPath(directory, 'upper'),
      WorkDir: hostPath(directory, 'work'),
    },
  }
}

function sizesOf({ engine, record }: InspectSubject): ContainerInspection {
  const written = writtenBytes(engine, record)
  const image = (record.image && imageSizes(engine).get(record.image.id)) ?? 0
  return { SizeRw: written, SizeRootFs: image + written }
}

/** Containers whose network it joins. */
function dependenciesOf({ engine, config: { request } }: InspectSubject): readonly string[] {
  return request.network.flatMap((mode) => {
    if (!mode.startsWith('container:')) return []
    const name = mode.slice('container:'.length)
    try {
      return [requireContainer(engine.store, name).id]
    } catch (error) {
      if (!(error instanceof BryoError)) throw error
      return [name]
    }
  })
}
