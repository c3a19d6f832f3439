import { BryoError } from '../../base/errors.ts'
import type { SaveFormat } from '../../image/archive/savePlan.ts'

/** Where an image is, or goes to. */
export type CopyPlace =
  | { readonly kind: 'registry'; readonly name: string }
  | { readonly kind: 'store'; readonly name: string }
  | {
      readonly kind: 'archive'
      readonly format: SaveFormat
      readonly path: string
      /** The one that is meant of several, or the name that is written; empty where none was given. */
      readonly name: string
    }

const FORMATS: Readonly<Record<string, SaveFormat>> = {
  oci: 'oci-dir',
  'oci-archive': 'oci-archive',
  'docker-archive': 'docker-archive',
  dir: 'docker-dir',
}

/**
 * Reads the notation that skopeo(1) uses: `docker://NAME`, `oci:DIR[:NAME]`, `oci-archive:FILE[:NAME]`, `docker-archive:FILE[:NAME]`,
 * `dir:DIR`, `containers-storage:NAME`. A name alone is an image of the store.
 * @throws BryoError USAGE
 */
export function parseCopyPlace(text: string): CopyPlace {
  if (text.startsWith('docker://')) return { kind: 'registry', name: text.slice('docker://'.length) }
  const [, transport = '', rest = ''] = /^([a-z-]+):(.*)$/s.exec(text) ?? []
  if (transport === 'containers-storage') return { kind: 'store', name: rest }
  const format = Object.hasOwn(FORMATS, transport) ? FORMATS[transport] : undefined
  if (format === undefined) return { kind: 'store', name: text }
  if (rest === '') throw new BryoError('USAGE', `cannot copy "${text}": it names no path`)
  const colon = format === 'docker-dir' ? -1 : rest.indexOf(':')
  if (colon === -1) return { kind: 'archive', format, path: rest, name: '' }
  return { kind: 'archive', format, path: rest.slice(0, colon), name: rest.slice(colon + 1) }
}
