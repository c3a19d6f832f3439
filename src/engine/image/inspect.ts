import { digestHex } from '../../base/digest.ts'
import { isObject } from '../../base/json.ts'
import { MAX_CONFIG_SIZE, parseImageDetails } from '../../image/config.ts'
import { MAX_MANIFEST_SIZE, parseManifest } from '../../image/manifest.ts'
import { readBlob } from '../../storage/blob/read.ts'
import { readAllImages } from '../../storage/image/images.ts'
import { repoDigestsOf } from '../../storage/image/manifests.ts'
import type { ImageRecord } from '../../storage/image/record.ts'
import { layerDiffPath } from '../../storage/layer/layers.ts'
import type { Engine } from '../engine.ts'
import { requireLocalImage } from './find.ts'
import { type ImageNode, parentsOf, readNodes } from './relations.ts'

/** The document of `inspect`, with the members and the order that Docker and Podman users know. */
export type ImageInspection = Readonly<Record<string, unknown>>

/** @throws BryoError NOT_FOUND, AMBIGUOUS */
export function inspectImage(engine: Engine, text: string): ImageInspection {
  const image = requireLocalImage(engine.store, text)
  const { config } = image
  const details = parseImageDetails(readBlob(engine.store, image.id, MAX_CONFIG_SIZE))
  const manifest = parseManifest(readBlob(engine.store, image.manifestDigest, MAX_MANIFEST_SIZE))
  const healthcheck = details.raw.Healthcheck
  return {
    Id: digestHex(image.id),
    Digest: image.manifestDigest,
    RepoTags: image.names,
    RepoDigests: repoDigestsOf(image),
    Parent: parentOf(engine, { record: image, history: details.history }),
    Comment: details.comment,
    Created: config.created ?? image.created,
    Config: configOf(image, details.raw),
    Version: details.dockerVersion,
    Author: details.author,
    Architecture: config.architecture,
    Os: config.os,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Size: image.size,
    VirtualSize: image.size,
    GraphDriver: graphDriver(engine, image),
    RootFS: { Type: 'layers', Layers: config.diffIds },
    Labels: config.labels,
    Annotations: manifest.annotations,
    ManifestType: image.manifestMediaType,
    User: config.user,
    History: details.history.map((entry) => ({
      ...(entry.created === undefined ? {} : { created: entry.created }),
      ...(entry.createdBy === undefined ? {} : { created_by: entry.createdBy }),
      ...(entry.author === undefined ? {} : { author: entry.author }),
      ...(entry.comment === undefined ? {} : { comment: entry.comment }),
      ...(entry.emptyLayer ? { empty_layer: true } : {}),
    })),
    NamesHistory: [...new Set([...image.names, ...(image.formerNames ?? [])])],
    ...(isObject(healthcheck) ? { HealthCheck: healthcheck } : {}),
  }
}

function parentOf({ store }: Engine, node: ImageNode): string {
  const [parent] = parentsOf(node, readNodes(store, readAllImages(store)))
  return parent ? digestHex(parent.record.id) : ''
}

/** As in the image, without what it leaves empty. */
function configOf(
  { config }: ImageRecord,
  raw: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const emptyObjects = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, {}]))
  return {
    ...(config.user === '' ? {} : { User: config.user }),
    ...(config.exposedPorts.length === 0 ? {} : { ExposedPorts: emptyObjects(config.exposedPorts) }),
    ...(config.env.length === 0 ? {} : { Env: config.env }),
    ...(config.entrypoint.length === 0 ? {} : { Entrypoint: config.entrypoint }),
    ...(config.cmd.length === 0 ? {} : { Cmd: config.cmd }),
    ...(config.volumes.length === 0 ? {} : { Volumes: emptyObjects(config.volumes) }),
    ...(config.workingDir === '' ? {} : { WorkingDir: config.workingDir }),
    ...(Object.keys(config.labels).length === 0 ? {} : { Labels: config.labels }),
    ...(config.stopSignal === undefined ? {} : { StopSignal: config.stopSignal }),
    ...(isObject(raw.Healthcheck) ? { Healthcheck: raw.Healthcheck } : {}),
    ...(Array.isArray(raw.OnBuild) && raw.OnBuild.length > 0 ? { OnBuild: raw.OnBuild } : {}),
    ...(Array.isArray(raw.Shell) && raw.Shell.length > 0 ? { Shell: raw.Shell } : {}),
  }
}

function graphDriver(engine: Engine, image: ImageRecord): Readonly<Record<string, unknown>> {
  const [top, ...lower] = image.layers.map((layer) => layerDiffPath(engine.store, layer.diffId)).reverse()
  return {
    Name: 'overlay',
    Data: {
      ...(lower.length > 0 ? { LowerDir: lower.join(':') } : {}),
      ...(top === undefined ? {} : { UpperDir: top }),
    },
  }
}
