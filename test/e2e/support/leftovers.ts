import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** A process that has to do with a directory. */
export interface FoundProcess {
  readonly pid: number
  readonly command: string
}

/**
 * Processes whose command line, environment or mounts name the directory: bryo, its helpers (by their runtime
 * directory) and workloads (their root is an overlay of directories below it).
 */
export function processesOf(directory: string): readonly FoundProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => names(pid, directory))
    .map((pid) => ({ pid: Number(pid), command: readProc(pid, 'cmdline').replaceAll('\0', ' ').trim() }))
}

function names(pid: string, directory: string): boolean {
  if (['cmdline', 'environ'].some((file) => readProc(pid, file).includes(directory))) return true
  return isInAnotherMountNamespace(pid) && readProc(pid, 'mountinfo').includes(directory)
}

function isInAnotherMountNamespace(pid: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`) !== readlinkSync('/proc/self/ns/mnt')
  } catch {
    // Gone, or somebody else's.
    return false
  }
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // Gone, or somebody else's.
    return ''
  }
}

/** Mounts of this host on or from something below the directory. */
export function mountsOf(directory: string): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(directory))
}

const FURNITURE = /^(?:store\.json|overlay\.json|seccomp(?:\/.*)?|adding\.lock|images\.lock|.*\.lock)$/

/** What a store holds, down to the ids of things: without what it makes once for itself. */
export function storeListing(dataRoot: string, runRoot: string): readonly string[] {
  return [...listing(dataRoot, 'data'), ...listing(runRoot, 'run')]
}

function listing(root: string, label: string): readonly string[] {
  const found: string[] = []
  const visit = (path: string, depth: number) => {
    for (const entry of entriesOf(join(root, path))) {
      const name = path === '' ? entry.name : `${path}/${entry.name}`
      if (FURNITURE.test(name)) continue
      // The rooms of the store themselves are made when they are first used.
      if (name.includes('/') && name !== 'blobs/sha256') found.push(`${label}/${name}`)
      if (entry.isDirectory() && depth < 2) visit(name, depth + 1)
    }
  }
  visit('', 0)
  return found.sort()
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch {
    // Not there yet.
    return []
  }
}
