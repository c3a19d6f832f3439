import type { ListedChanges } from '../engine/registry/manifestList.ts'
import { type KeyValue, toRecord } from './parse/keyValue.ts'

/** The flags of `manifest add` and `annotate` that say something of an image. */
export function listedChanges(flags: {
  readonly annotation: readonly KeyValue[]
  readonly arch: string | undefined
  readonly features: readonly string[]
  readonly os: string | undefined
  readonly osFeatures: readonly string[]
  readonly osVersion: string | undefined
  readonly variant: string | undefined
}): ListedChanges {
  const { arch, features, os, osFeatures, osVersion, variant } = flags
  const annotations = toRecord(flags.annotation)
  return { architecture: arch, features, os, osFeatures, osVersion, variant, annotations }
}
