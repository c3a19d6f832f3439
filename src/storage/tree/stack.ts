import { closeSync } from 'node:fs'
import { isOpaqueDirectory, isWhiteoutNode, type MarkStyle, markOfName } from './marks.ts'
import { asSharedNode, openNode, readNames, type TreeNode } from './node.ts'

/** One of the directories that lie on each other. */
interface Level {
  readonly fd: number
  readonly style: MarkStyle
  readonly overrides: boolean
  readonly names: ReadonlySet<string>
  /** Names that a mark hides in the levels below; the mark itself is no file. */
  readonly hidden: ReadonlySet<string>
}

/** Directories of the same path in several trees, the topmost first; what an overlay shows of them. */
export interface DirectoryStack extends Disposable {
  /** The lowest directory says that nothing shows of what else may lie below it. */
  readonly opaque: boolean
  /** All names that may show, by their bytes; {@link open} tells of each. */
  names(): readonly Buffer[]
  /** Names that marks hide in what else may lie below. */
  hidden(): readonly Buffer[]
  /** undefined where nothing of that name shows. */
  open(name: Buffer): StackedNode | undefined
}

/** What shows under a name: the topmost file, and for a directory what lies on each other there. */
export interface StackedNode extends Disposable {
  readonly node: TreeNode
  /** Of a directory only; to be used before the node is disposed of. */
  openStack(): DirectoryStack
}

export interface StackLevel {
  /** Closed with the stack. */
  readonly fd: number
  readonly style: MarkStyle
  /** Owners and modes are in attributes: see setOverride(). */
  readonly overrides?: boolean
}

/** Lays directories on each other. Opaque ones cut off what lies below them. */
export function stackDirectories(found: readonly StackLevel[]): DirectoryStack {
  const levels: Level[] = []
  const surplus: number[] = []
  let open = true
  for (const { fd, style, overrides = false } of found) {
    if (!open) {
      surplus.push(fd)
      continue
    }
    const names = readNames(fd)
    open = !isOpaqueDirectory(fd, names, style)
    levels.push({ ...levelOf(fd, names, style), overrides })
  }
  for (const fd of surplus) closeSync(fd)
  return {
    opaque: !open,
    names: () => namesOf(levels),
    hidden: () => levels.flatMap(({ hidden }) => [...hidden].map((key) => Buffer.from(key, 'latin1'))),
    open: (name) => openStacked(levels, name),
    [Symbol.dispose]: () => {
      for (const { fd } of levels) closeSync(fd)
    },
  }
}

/** One character a byte, so that names that are no text stay apart. */
function keyOf(name: Buffer): string {
  return name.toString('latin1')
}

function levelOf(fd: number, names: readonly Buffer[], style: MarkStyle): Omit<Level, 'overrides'> {
  const files: string[] = []
  const hidden: string[] = []
  for (const name of names) {
    const mark = markOfName(name, style)
    if (mark === undefined) files.push(keyOf(name))
    else if (mark !== 'opaque') hidden.push(keyOf(mark))
  }
  return { fd, style, names: new Set(files), hidden: new Set(hidden) }
}

/** Those that a device hides are among them: open() does not find them. */
function namesOf(levels: readonly Level[]): readonly Buffer[] {
  const [only, ...others] = levels
  if (!only) return []
  const all = new Set(only.names)
  for (const { names } of others) for (const key of names) all.add(key)
  return [...all].map((key) => Buffer.from(key, 'latin1')).sort(Buffer.compare)
}

function openStacked(levels: readonly Level[], name: Buffer): StackedNode | undefined {
  const key = keyOf(name)
  for (const [index, level] of levels.entries()) {
    const node = level.names.has(key) ? openInLevel(level, name) : undefined
    if (node && !isWhiteoutNode(node, level.style)) {
      const below = level.hidden.has(key) ? [] : levels.slice(index + 1)
      return {
        node,
        openStack: () =>
          stackDirectories([
            { fd: duplicate(node), style: level.style, overrides: level.overrides },
            ...levelsBelow(below, name),
          ]),
        [Symbol.dispose]: () => node[Symbol.dispose](),
      }
    }
    node?.[Symbol.dispose]()
    if (node || level.hidden.has(key)) return undefined
  }
  return undefined
}

function openInLevel({ fd, overrides }: Level, name: Buffer): TreeNode | undefined {
  const node = openNode(fd, name)
  return node && overrides ? asSharedNode(node) : node
}

const SELF = Buffer.from('.')

/** A second fd of a directory that is open already: `.` in it is the directory itself, whatever has its name now. */
function duplicate(node: TreeNode): number {
  const again = openNode(node.fd, SELF)
  if (!again) throw new Error('a directory has no "."')
  return again.fd
}

function levelsBelow(levels: readonly Level[], name: Buffer): readonly StackLevel[] {
  const key = keyOf(name)
  const found: StackLevel[] = []
  for (const { fd, style, overrides, names, hidden } of levels) {
    const node = names.has(key) ? openNode(fd, name) : undefined
    if (node?.facts.type === 'directory') found.push({ fd: node.fd, style, overrides })
    else node?.[Symbol.dispose]()
    // Anything but a directory ends the stack: what is below it has never shown.
    if ((node && node.facts.type !== 'directory') || hidden.has(key)) break
  }
  return found
}
