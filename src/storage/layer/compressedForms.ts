import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { writeJsonAtomic } from '../atomic.ts'
import { hostPath } from '../hostPath.ts'
import { fieldsOf, readJsonFile } from '../json.ts'
import type { Store } from '../store.ts'
import { hasLayer, layerId } from './layers.ts'

/** What a layer became when it was compressed, so that a registry can be asked for it before that is done again. */
export interface CompressedForm {
  readonly compression: 'gzip' | 'zstd'
  /** Absent for the default. */
  readonly level?: number
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
}

/** Empty where nothing is known. */
export function readCompressedForms(store: Store, diffId: Digest): readonly CompressedForm[] {
  const path = pathOf(store, diffId)
  try {
    const content = readJsonFile(path)
    if (content === undefined) return []
    return fieldsOf(content, path).list('forms', (fields) => ({
      compression: fields.text('compression') === 'zstd' ? 'zstd' : 'gzip',
      ...(fields.has('level') && { level: fields.number('level') }),
      digest: fields.digest('digest'),
      size: fields.number('size'),
    }))
  } catch (error) {
    // It only saves work, and is written without waiting for the disk.
    if (error instanceof BryoError && error.code === 'STORAGE') return []
    throw error
  }
}

/** Goes with the layer. */
export function keepCompressedForm(store: Store, diffId: Digest, form: CompressedForm): void {
  if (!hasLayer(store, diffId)) return
  const others = readCompressedForms(store, diffId).filter(
    ({ compression, level }) => compression !== form.compression || level !== form.level,
  )
  writeJsonAtomic(pathOf(store, diffId), { forms: [...others, form] }, { durable: false })
}

function pathOf(store: Store, diffId: Digest): string {
  return hostPath(store.layers, layerId(diffId), 'compressed.json')
}
