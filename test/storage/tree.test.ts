import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hostPath } from '../../src/storage/hostPath.ts'
import { removeTree } from '../../src/storage/tree/remove.ts'
import { treeBytes } from '../../src/storage/tree/usage.ts'
import { temporaryDirectory } from './support/store.ts'

describe('removeTree()', () => {
  it('removes files, links and directories without permission bits', () => {
    const base = temporaryDirectory()
    const tree = hostPath(base, 'tree')
    mkdirSync(join(tree, 'a', 'b', 'c'), { recursive: true })
    writeFileSync(join(tree, 'a', 'b', 'file'), '')
    writeFileSync(Buffer.concat([Buffer.from(`${tree}/a/`), Buffer.of(0xff, 0xfe)]), '')
    for (const path of ['a/b/c', 'a/b', 'a']) chmodSync(join(tree, path), 0)
    removeTree(tree)
    expect(readdirSync(base)).toEqual([])
  })

  it('never follows a symbolic link', () => {
    const base = temporaryDirectory()
    mkdirSync(join(base, 'outside'))
    writeFileSync(join(base, 'outside', 'precious'), '')
    mkdirSync(join(base, 'tree'))
    symlinkSync(join(base, 'outside'), join(base, 'tree', 'link'))
    symlinkSync(join(base, 'outside'), join(base, 'toplink'))
    removeTree(hostPath(base, 'tree'))
    removeTree(hostPath(base, 'toplink'))
    expect(readdirSync(base)).toEqual(['outside'])
    expect(readdirSync(join(base, 'outside'))).toEqual(['precious'])
  })

  it('accepts that there is nothing', () => {
    const path = hostPath(temporaryDirectory(), 'nothing')
    removeTree(path)
    expect(existsSync(path)).toBe(false)
  })

  it('removes 10,000 levels with a few open files', () => {
    const base = temporaryDirectory()
    mkdirSync(join(base, 'd'))
    for (let level = 0; level < 10_000; level += 1) {
      mkdirSync(join(base, 'outer'))
      renameSync(join(base, 'd'), join(base, 'outer', 'd'))
      renameSync(join(base, 'outer'), join(base, 'd'))
    }
    removeTree(hostPath(base, 'd'))
    expect(readdirSync(base)).toEqual([])
  })
})

describe('treeBytes()', () => {
  it('counts a file with two names once and follows no link', () => {
    const base = temporaryDirectory()
    writeFileSync(join(base, 'one'), 'x'.repeat(10_000))
    linkSync(join(base, 'one'), join(base, 'two'))
    symlinkSync('/usr', join(base, 'link'))
    expect(treeBytes(hostPath(base))).toBe(10_000)
  })

  it('is nothing where there is nothing', () => {
    expect(treeBytes(hostPath(temporaryDirectory(), 'nothing'))).toBe(0)
  })
})
