import { describe, expect, it } from 'vitest'
import {
  meansContents,
  parseCopyArguments,
  parseCopyEnd,
  pathOnHost,
} from '../../../src/engine/container/copy/arguments.ts'
import { ownerOf } from '../../../src/engine/container/copy/owner.ts'
import { type FoundSource, type FoundTarget, planCopy } from '../../../src/engine/container/copy/plan.ts'

const file: FoundSource = { isDirectory: false, name: 'f', contents: false }
const directory: FoundSource = { isDirectory: true, name: 'd', contents: false }
const contents: FoundSource = { ...directory, contents: true }
const inDirectory: FoundTarget = { kind: 'directory', key: '1:2' }
const onFile: FoundTarget = { kind: 'file', name: 't' }
const onNothing: FoundTarget = { kind: 'missing', name: 'n' }

describe('planCopy()', () => {
  it.each([
    [file, inDirectory, { prefix: 'f', includeSelf: true, into: 'itself' }],
    [file, onFile, { prefix: 't', includeSelf: true, into: 'parent' }],
    [file, onNothing, { prefix: 'n', includeSelf: true, into: 'parent' }],
    [directory, inDirectory, { prefix: 'd', includeSelf: true, into: 'itself' }],
    [directory, onNothing, { prefix: 'n', includeSelf: true, into: 'parent' }],
    [contents, inDirectory, { prefix: '', includeSelf: false, into: 'itself' }],
    [contents, onNothing, { prefix: 'n', includeSelf: true, into: 'parent' }],
  ])('follows Docker: %j onto %j', (source, target, plan) => {
    expect(planCopy(source, target)).toEqual(plan)
  })

  it.each([directory, contents])('refuses %j onto a file', (source) => {
    expect(() => planCopy(source, onFile)).toThrow('destination must be a directory when copying a directory')
  })
})

describe('parseCopyEnd()', () => {
  it.each([
    ['web:/a', { kind: 'container', container: 'web', path: '/a' }],
    ['web:a:b', { kind: 'container', container: 'web', path: 'a:b' }],
    ['./a:b', { kind: 'host', path: './a:b' }],
    ['/a:b', { kind: 'host', path: '/a:b' }],
    ['a', { kind: 'host', path: 'a' }],
    ['-', { kind: 'stream' }],
  ])('reads %s', (text, end) => {
    expect(parseCopyEnd(text)).toEqual(end)
  })

  it('wants a path on both sides, and a container on one', () => {
    expect(() => parseCopyArguments('web:', '/a')).toThrow('you must specify paths')
    expect(() => parseCopyArguments('', 'web:/a')).toThrow('you must specify paths')
    expect(() => parseCopyArguments('/a', '-')).toThrow('expected a container')
  })
})

describe('paths', () => {
  it('of the host keep what their end means', () => {
    expect(pathOnHost('a/', '/w')).toBe('/w/a/')
    expect(pathOnHost('a/.', '/w')).toBe('/w/a/')
    expect(pathOnHost('../a', '/w')).toBe('/a')
  })

  it.each([
    ['/a/.', true],
    ['.', true],
    ['/', true],
    ['/a/', false],
    ['/a.', false],
  ])('%s means the content of a directory: %s', (path, means) => {
    expect(meansContents(path)).toBe(means)
  })
})

describe('ownerOf()', () => {
  const maps = {
    uid: [
      { containerId: 0, hostId: 2000, size: 1 },
      { containerId: 1, hostId: 100_000, size: 65_536 },
    ],
    gid: [{ containerId: 0, hostId: 2000, size: 1 }],
  }

  it('turns ids of the host into those inside, nobody’s where there is none', () => {
    const owner = ownerOf({ kind: 'host', maps })
    expect(owner?.({ uid: 2000, gid: 2000 })).toEqual({ uid: 0, gid: 0 })
    expect(owner?.({ uid: 100_004, gid: 7 })).toEqual({ uid: 5, gid: 0 })
    expect(owner?.({ uid: 0, gid: 0 })).toEqual({ uid: 65_534, gid: 0 })
  })

  it('leaves everything to the caller, or gives it to one user', () => {
    expect(ownerOf({ kind: 'caller' })).toBeUndefined()
    expect(ownerOf({ kind: 'user', uid: 1, gid: 2 })?.({ uid: 3, gid: 4 })).toEqual({ uid: 1, gid: 2 })
  })
})
