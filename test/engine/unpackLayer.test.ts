import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BuiltEntry, buildTar } from '../image/tar/build.ts'
import { type LayerRun, runLayers } from './fixtures/run.ts'
import type { TreeNode } from './fixtures/tree.ts'

let directory = ''
let count = 0

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'bryo-unpack-'))
  chmodSync(directory, 0o755)
})
afterAll(() => rmSync(directory, { recursive: true }))

function write(data: Uint8Array): string {
  count += 1
  const path = join(directory, `archive${count}`)
  writeFileSync(path, data)
  return path
}

type Options = Parameters<typeof runLayers>[1]
const unpack = (entries: readonly BuiltEntry[], options: Options = {}): LayerRun =>
  runLayers([write(buildTar(entries))], options)

function summary(tree: Readonly<Record<string, TreeNode>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tree).map(([name, { type }]) => [name, type]))
}

const dir = (name: string): BuiltEntry => ({ name, type: 'directory' })
const file = (name: string, content = name): BuiltEntry => ({ name, content })
const link = (name: string, linkName: string): BuiltEntry => ({ name, type: 'symlink', linkName })
const hard = (name: string, linkName: string): BuiltEntry => ({ name, type: 'hardlink', linkName })
const OPAQUE = { 'user.overlay.opaque': '79' }

describe('unpackLayer()', () => {
  it('makes of an archive what tar makes of it', () => {
    const script = `
cd "$1" && mkdir -p t/bin t/sticky t/empty && cd t
printf program > bin/program && chmod 4755 bin/program && printf g > bin/g && chmod 2711 bin/g
ln bin/program bin/hard && ln -s ../bin/program sticky/link && ln sticky/link sticky/hardlink
ln -s nowhere dangling && mkfifo -m 620 fifo && chmod 1777 sticky && chmod 0500 empty
truncate -s 3M holes && printf x | dd of=holes bs=1 seek=1000000 conv=notrunc 2> /dev/null
printf umlaut > "$(printf 'b\\374cher')"
touch -d '2001-02-03 04:05:06.123456789' bin sticky bin/g && touch -h -d '1999-01-01 00:00:00.5' dangling
touch -d '1960-01-01' empty
python3 -c 'import os; os.setxattr("bin/g", "user.note", b"\\x00\\xff\\n=")'
tar -S --format=posix --xattrs --numeric-owner --owner=0 --group=5 -cf ../fixture.tar .`
    execFileSync('sh', ['-ec', script, 'sh', directory])
    const archive = join(directory, 'fixture.tar')
    const ours = runLayers([archive])
    const theirs = runLayers([archive], { view: 'tar' })
    expect(ours.results[0]).toMatchObject({ files: 13, skippedDevices: 0, ignoredOwners: 0 })
    expect(ours.tree).toEqual(theirs.tree)
    expect(ours.tree.holes?.blocks).toBeLessThan(100)
    expect(ours.tree['bin/program']).toMatchObject({ mode: '4755', owner: '0:5', links: 2 })
    expect(ours.tree['bin/g']?.xattrs).toEqual({ 'user.note': '00ff0a3d' })
  })

  it('sets owners, set-id bits and file capabilities', () => {
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex')
    const xattrs = new Map([['security.capability', capability]])
    const { tree } = unpack([
      { ...file('f'), uid: 33, gid: 65535, mode: 0o6755, xattrs },
      { ...link('l', 'f'), uid: 1, gid: 2 },
      { ...dir('d'), uid: 3, gid: 4, mode: 0o2770 },
      file('d/inside'),
    ])
    expect(tree.f).toMatchObject({ owner: '33:65535', mode: '6755' })
    expect(tree.f?.xattrs['security.capability']?.slice(0, 40)).toBe(capability.toString('hex'))
    expect(tree.l).toMatchObject({ owner: '1:2', target: 'f' })
    expect(tree.d).toMatchObject({ owner: '3:4', mode: '2770' })
    expect(tree['d/inside']).toMatchObject({ owner: '0:0', mode: '644' })
  })

  it('follows links in parents inside the layer only', () => {
    const { results, tree } = unpack([
      dir('usr/bin'),
      link('bin', 'usr/bin'),
      link('abs', '/usr/bin'),
      link('up', '../../../../usr/bin'),
      file('bin/a'),
      file('abs/b'),
      file('up/c'),
      hard('usr/h', 'bin/a'),
    ])
    expect(results[0]).toMatchObject({ files: 8 })
    expect(summary(tree)).toEqual({
      '.': 'directory',
      abs: 'symlink',
      bin: 'symlink',
      up: 'symlink',
      usr: 'directory',
      'usr/bin': 'directory',
      'usr/bin/a': 'file',
      'usr/bin/b': 'file',
      'usr/bin/c': 'file',
      'usr/h': 'file',
    })
    expect(tree['usr/h']?.sameAs).toBe('usr/bin/a')
  })

  it('lets later entries replace earlier ones of any type', () => {
    const { tree } = unpack([
      dir('d'),
      file('d/x/y'),
      file('d', 'now a file'),
      file('f'),
      dir('f'),
      file('f/x'),
      link('l', 'f'),
      file('l', 'now a file'),
      hard('h', 'f/x'),
      file('h', 'now apart'),
      hard('f/x', 'f/x'),
      { ...dir('f'), mode: 0o711, mtime: { seconds: 5n, nanoseconds: 6n } },
      dir('link-target'),
      link('p', 'link-target'),
      file('p/one'),
      dir('p'),
      file('p/two'),
    ])
    expect(summary(tree)).toEqual({
      '.': 'directory',
      d: 'file',
      f: 'directory',
      'f/x': 'file',
      h: 'file',
      l: 'file',
      'link-target': 'directory',
      'link-target/one': 'file',
      p: 'directory',
      'p/two': 'file',
    })
    expect(tree.f).toMatchObject({ mode: '711', mtime: '5000000006' })
    expect(tree['f/x']?.links).toBe(1)
  })

  it('makes missing parents as root, 0755, even in a set-group-id directory', () => {
    const { tree } = unpack([
      { ...dir('s'), gid: 7, mode: 0o2777 },
      file('s/a/b/f'),
      { ...dir('./'), mode: 0o711 },
    ])
    expect(tree['s/a']).toMatchObject({ owner: '0:0', mode: '755' })
    expect(tree['s/a/b']).toMatchObject({ owner: '0:0', mode: '755' })
    expect(tree['.']).toMatchObject({ mode: '711' })
  })

  it('leaves device nodes out, and those that would be whiteouts', () => {
    const { results, tree } = unpack([
      { name: 'null', type: 'character', devMajor: 1, devMinor: 3 },
      { name: 'hide', type: 'character' },
      { name: 'sda', type: 'block', devMajor: 8 },
      file('f'),
    ])
    expect(results[0]).toMatchObject({ files: 4, skippedDevices: 3 })
    expect(Object.keys(tree)).toEqual(['.', 'f'])
  })

  it('drops attributes of the host and of other namespaces', () => {
    const xattrs = new Map([
      ['security.selinux', Buffer.from('label')],
      ['trusted.x', Buffer.from('x')],
      ['system.posix_acl_access', Buffer.from('x')],
      ['user.kept', Buffer.alloc(0)],
    ])
    const { tree } = unpack([
      { ...file('f'), xattrs },
      { ...link('l', 'f'), xattrs },
    ])
    expect(tree.f?.xattrs).toEqual({ 'user.kept': '' })
    expect(tree.l?.xattrs).toEqual({})
  })

  it.each(['bun', 'node'] as const)('verifies what came, under %s', (runtime) => {
    const archive = buildTar([file('f')])
    const gzip = write(gzipSync(archive))
    const { results } = runLayers([gzip], { view: 'none', runtime })
    const diffId = String(results[0]?.diffId)
    expect(results[0]?.digest).not.toBe(diffId)
    expect(runLayers([gzip], { view: 'none', runtime, diffId }).results[0]).toMatchObject({
      diffId,
      files: 1,
    })
    const other = runLayers([gzip], { view: 'none', runtime, diffId: `sha256:${'0'.repeat(64)}` })
    expect(other.results[0]).toMatchObject({ code: 'DIGEST_MISMATCH' })
  })

  it('takes what follows the end of the archive as part of its digest', () => {
    const plain = buildTar([file('f')])
    const [short, long] = [write(plain), write(Buffer.concat([plain, Buffer.alloc(3_000_000, 1)]))]
    const { results } = runLayers([short, long], { view: 'none' })
    expect(results[1]).toMatchObject({ files: 1, inputBytes: plain.length + 3_000_000 })
    expect(results[0]?.diffId).not.toBe(results[1]?.diffId)
  })
})

describe('unpackLayer() where one id is mapped', () => {
  it("makes everything root's and takes the set-id bits of other owners", () => {
    const { results, tree } = unpack(
      [
        { ...file('own'), mode: 0o4755 },
        { ...file('other'), uid: 5, mode: 0o4755 },
        { ...dir('d'), gid: 9, mode: 0o2775 },
      ],
      { ids: 'single' },
    )
    expect(results[0]).toMatchObject({ files: 3, ignoredOwners: 2 })
    expect(tree.own).toMatchObject({ owner: '0:0', mode: '4755' })
    expect(tree.other).toMatchObject({ owner: '0:0', mode: '755' })
    expect(tree.d).toMatchObject({ owner: '0:0', mode: '775' })
  })
})

describe('unpackLayer() of whiteouts', () => {
  it('writes them as overlayfs has them, in whichever order they come', () => {
    const { tree } = unpack([
      { name: '.wh.gone' },
      { name: 'new/.wh..wh..opq' },
      file('first'),
      { name: '.wh.first' },
      dir('dir-first'),
      { name: '.wh.dir-first' },
      { name: '.wh.file-later' },
      file('file-later'),
      { name: '.wh.dir-later' },
      dir('dir-later'),
      { name: '.wh.implied' },
      file('implied/x'),
      { name: '.wh.twice' },
      { name: '.wh.twice' },
      { name: '.wh..wh.plnk/1.2', content: 'aufs' },
    ])
    expect(summary(tree)).toEqual({
      '.': 'directory',
      'dir-first': 'directory',
      'dir-later': 'directory',
      'file-later': 'file',
      first: 'file',
      gone: 'character',
      implied: 'directory',
      'implied/x': 'file',
      new: 'directory',
      twice: 'character',
    })
    expect(tree.gone?.device).toBe(0)
    for (const name of ['new', 'dir-first', 'dir-later', 'implied'])
      expect(tree[name]?.xattrs).toEqual(OPAQUE)
  })

  it.each(['overlay', 'fuse-overlayfs'] as const)('are understood by %s', (view) => {
    const lower = [dir('d'), file('d/a'), file('f'), file('e/x'), file('e/y'), file('g/low'), file('h/low')]
    const upper = [
      { name: '.wh.f' },
      { name: 'd/.wh..wh..opq' },
      file('d/c'),
      { name: 'e/.wh.x' },
      { name: '.wh.g' },
      file('g/new'),
      dir('h'),
    ]
    const { tree } = runLayers([write(buildTar(lower)), write(buildTar(upper))], { view })
    const names = ['.', 'd', 'd/c', 'e', 'e/y', 'g', 'g/new', 'h', 'h/low']
    expect(Object.keys(tree)).toEqual(names)
  })
})

describe('unpackLayer() refuses', () => {
  const overlay = new Map([['user.overlay.redirect', Buffer.from('/x')]])
  it.each<[string, readonly BuiltEntry[], string]>([
    ['a name with ..', [file('../f')], 'cannot unpack "../f": the name has a ".."'],
    ['a hard link with ..', [file('a'), hard('h', '../../etc/passwd')], 'the name has a ".."'],
    [
      'a hard link to the host',
      [hard('h', '/etc/passwd')],
      'to "etc/passwd", which this layer does not have',
    ],
    ['a hard link to a directory', [dir('d'), hard('h', 'd')], 'which is a directory'],
    ['a hard link to a whiteout', [{ name: '.wh.a' }, hard('h', 'a')], 'which is a whiteout'],
    ['a hard link to itself', [hard('h', 'h')], 'which this layer does not have'],
    ['a hard link through a link to nowhere', [link('l', '/x'), hard('h', 'l/y')], 'does not have'],
    [
      'a file as parent',
      [file('f'), file('f/x')],
      'cannot unpack into "f": it is a file, expected a directory',
    ],
    [
      'a loop of links as parent',
      [link('a', 'b'), link('b', 'a'), file('a/x')],
      'its parent is a loop of links',
    ],
    [
      'a link to nowhere as parent',
      [link('l', '../../nowhere'), file('l/x')],
      'it is a link that leads nowhere',
    ],
    ['a link without a target', [link('l', '')], 'the link has no valid target'],
    ['a name of 300 bytes', [file('n'.repeat(300))], 'the name is too long for the filesystem'],
    ['a root that is a link', [link('./', '/etc')], 'the root is a symlink, expected a directory'],
    ['a whiteout of the parent', [{ name: 'd/.wh...' }], 'it hides "..", expected a name'],
    ['an entry in a whiteout', [file('.wh.a/b')], 'it lies in a whiteout'],
    [
      'attributes of an overlay driver',
      [{ ...dir('d'), xattrs: overlay }],
      'expected none of an overlay driver',
    ],
  ])('%s', (_, entries, message) => {
    const { results } = unpack([file('before'), ...entries], { view: 'none' })
    expect(results[0]).toMatchObject({ code: 'INVALID_ARCHIVE', message: expect.stringContaining(message) })
  })

  it('owners that are not mapped, by their number', () => {
    const { results } = unpack([{ ...file('f'), uid: 4_000_000_000 }], { view: 'none' })
    expect(results[0]).toMatchObject({
      code: 'SUBIDS_MISSING',
      message: expect.stringMatching(/^cannot unpack "f": its owner is 4000000000:0, but only \d+ user ids/),
      hint: expect.stringContaining('at least 4000000001'),
    })
  })

  it('truncated, damaged and oversized archives', () => {
    const plain = buildTar([file('f', 'x'.repeat(5000))])
    const gzip = gzipSync(plain)
    const [cut, cutGzip, text] = [plain.subarray(0, 2000), gzip.subarray(0, -9), Buffer.alloc(9999, 'text')]
    const { results } = runLayers([write(cut), write(cutGzip), write(text)], { view: 'none' })
    for (const result of results) expect(result.code).toBe('INVALID_ARCHIVE')
    expect(results[1]?.message).toContain('cannot decompress gzip data')
    const limited = runLayers([write(gzip)], { view: 'none', maxBytes: 1000 })
    expect(limited.results[0]).toMatchObject({ code: 'INVALID_ARCHIVE' })
  })

  it('the rest of a long archive at once where its start is bad', () => {
    const entries = [file('../f'), { name: 'n', content: Buffer.alloc(20_000_000) }]
    expect(unpack(entries, { view: 'none' }).results[0]).toMatchObject({ code: 'INVALID_ARCHIVE' })
  })
})
