import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { give, type World } from '../../e2e/support/world.ts'

/** What is written in a file of the sentinel. */
export const SECRET = 'a secret of the host'

/** A tree of the caller, outside of the store, that no container may see or change. */
export interface Sentinel {
  readonly directory: string
  readonly file: string
  /** A name in it that does not exist. */
  readonly missing: string
  readonly expectUntouched: () => void
}

export function makeSentinel(world: World): Sentinel {
  const directory = world.makeDirectory('sentinel')
  mkdirSync(join(directory, 'sub'))
  writeFileSync(join(directory, 'file'), SECRET)
  writeFileSync(join(directory, 'sub/other'), SECRET)
  give(directory)
  const before = fingerprint(directory)
  return {
    directory,
    file: join(directory, 'file'),
    missing: join(directory, 'missing'),
    expectUntouched: () => expect(fingerprint(directory)).toEqual(before),
  }
}

/** Names, owners, modes, times and contents of a tree. */
function fingerprint(path: string): readonly string[] {
  const stat = lstatSync(path)
  const own = `${path} ${stat.mode} ${stat.uid}:${stat.gid} ${stat.ctimeMs}`
  if (stat.isDirectory()) return [own, ...readdirSync(path).flatMap((name) => fingerprint(join(path, name)))]
  const content = stat.isFile() ? readFileSync(path) : ''
  return [`${own} ${createHash('sha256').update(content).digest('hex')}`]
}
