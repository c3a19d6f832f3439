import { BryoError } from '../../base/errors.ts'

const SLASH = 0x2f
const DOT = 0x2e

/** A path inside a layer, raw: no slash at either end, no empty component, no `.` and no `..`; empty for the root. */
export type LayerPath = Buffer

/**
 * The place that a name of an archive means.
 * @throws BryoError INVALID_ARCHIVE for an empty name, a NUL and every `..`, wherever it would lead
 */
export function cleanName(raw: Buffer): LayerPath {
  if (raw.length === 0) throw invalidName(raw, 'the name is empty')
  if (raw.includes(0)) throw invalidName(raw, 'the name has a NUL')
  if (isClean(raw)) return raw
  const components: Buffer[] = []
  for (let start = 0; start <= raw.length; ) {
    const slash = raw.indexOf(SLASH, start)
    const end = slash === -1 ? raw.length : slash
    const component = raw.subarray(start, end)
    if (isDotDot(component)) throw invalidName(raw, 'the name has a ".."')
    if (component.length > 0 && !isDot(component)) components.push(component)
    start = end + 1
  }
  return joinPath(components)
}

/** Most names are: without a slash at an end or doubled, and without a component that starts with a dot. */
function isClean(raw: Buffer): boolean {
  let previous = SLASH
  for (const byte of raw) {
    if (previous === SLASH && (byte === SLASH || byte === DOT)) return false
    previous = byte
  }
  return previous !== SLASH
}

function isDot(component: Uint8Array): boolean {
  return component.length === 1 && component[0] === DOT
}

function isDotDot(component: Uint8Array): boolean {
  return component.length === 2 && component[0] === DOT && component[1] === DOT
}

function joinPath(components: readonly Uint8Array[]): LayerPath {
  const separated = components.flatMap((component, index) =>
    index === 0 ? [component] : [SLASH_BYTES, component],
  )
  return Buffer.concat(separated)
}

const SLASH_BYTES = Buffer.of(SLASH)

/** Empty for what lies in the root. */
export function parentOf(path: LayerPath): LayerPath {
  return path.subarray(0, Math.max(0, path.lastIndexOf(SLASH)))
}

export function baseNameOf(path: LayerPath): Buffer {
  return path.subarray(path.lastIndexOf(SLASH) + 1)
}

export function childOf(parent: LayerPath, name: Uint8Array): LayerPath {
  return parent.length === 0 ? Buffer.from(name) : Buffer.concat([parent, SLASH_BYTES, name])
}

/** The path as the process sees it that has chrooted into the layer. */
export function inChroot(path: LayerPath): Buffer {
  return Buffer.concat([SLASH_BYTES, path])
}

/** For sets and maps: one character a byte. */
export function pathKey(path: LayerPath): string {
  return path.toString('latin1')
}

/** For messages: control characters escaped, at most 200 characters, in quotes. */
export function quotePath(path: Uint8Array): string {
  const text = Buffer.from(path.subarray(0, 600)).toString('utf8')
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text)
}

function invalidName(raw: Buffer, found: string): BryoError {
  return new BryoError(
    'INVALID_ARCHIVE',
    `cannot unpack ${quotePath(raw)}: ${found}, expected a name below the root`,
  )
}
