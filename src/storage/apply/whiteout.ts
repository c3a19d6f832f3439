import { BryoError } from '../../base/errors.ts'
import { baseNameOf, childOf, type LayerPath, parentOf, quotePath } from './layerPath.ts'

/** What a name says beside being a name. */
export type LayerName =
  | { readonly kind: 'entry'; readonly path: LayerPath }
  /** Hides `path` of the layers below. */
  | { readonly kind: 'whiteout'; readonly path: LayerPath }
  /** Hides everything that the layers below have in the directory `path`. */
  | { readonly kind: 'opaque'; readonly path: LayerPath }
  /** Bookkeeping of AUFS that old images carry. */
  | { readonly kind: 'metadata' }

const PREFIX = Buffer.from('.wh.')
const METADATA_PREFIX = Buffer.from('.wh..wh.')
const OPAQUE = Buffer.from('.wh..wh..opq')
const DOT = 0x2e
const SLASH = 0x2f

/**
 * Tells entries from whiteouts, by the name alone.
 * @throws BryoError INVALID_ARCHIVE for a whiteout of nothing, of `.` and of `..`, and for one that has entries in it
 * @see https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
 */
export function classifyName(path: LayerPath): LayerName {
  if (!path.includes(PREFIX)) return { kind: 'entry', path }
  const parent = parentOf(path)
  const parentKind = classifyParents(parent)
  if (parentKind === 'metadata') return { kind: 'metadata' }
  if (parentKind === 'whiteout') throw invalidWhiteout(path, 'it lies in a whiteout, expected a directory')
  const base = baseNameOf(path)
  if (!startsWith(base, PREFIX)) return { kind: 'entry', path }
  if (base.equals(OPAQUE)) return { kind: 'opaque', path: parent }
  if (startsWith(base, METADATA_PREFIX)) return { kind: 'metadata' }
  const hidden = base.subarray(PREFIX.length)
  if (hidden.every((byte) => byte === DOT) && hidden.length <= 2) {
    throw invalidWhiteout(path, `it hides ${quotePath(hidden)}, expected a name`)
  }
  return { kind: 'whiteout', path: childOf(parent, hidden) }
}

function classifyParents(parent: LayerPath): 'plain' | 'whiteout' | 'metadata' {
  for (let start = 0; start < parent.length; ) {
    const slash = parent.indexOf(SLASH, start)
    const end = slash === -1 ? parent.length : slash
    const component = parent.subarray(start, end)
    if (startsWith(component, METADATA_PREFIX)) return 'metadata'
    if (startsWith(component, PREFIX)) return 'whiteout'
    start = end + 1
  }
  return 'plain'
}

function startsWith(name: Buffer, prefix: Buffer): boolean {
  return name.subarray(0, prefix.length).equals(prefix)
}

function invalidWhiteout(path: LayerPath, found: string): BryoError {
  return new BryoError('INVALID_ARCHIVE', `cannot apply whiteout ${quotePath(path)}: ${found}`)
}
