import { execFileSync } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { indexTar } from '../../../src/image/tar/indexTar.ts'
import { fdSource } from '../../../src/image/tar/input.ts'
import { readTar } from '../../../src/image/tar/read.ts'
import { collect } from './collect.ts'

let directory = ''
const MIB = 1024 * 1024

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'bryo-tar-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

/** An archive by Python's tarfile: `code` gets `t`, an open archive, and `info(name, **fields)`. */
function byPython(format: string, code: string): Buffer {
  const archive = join(directory, `python-${format}.tar`)
  const script = `
import tarfile, io
t = tarfile.open(${JSON.stringify(archive)}, 'w', format=tarfile.${format}_FORMAT)
def info(name, **fields):
    i = tarfile.TarInfo(name)
    for k, v in fields.items(): setattr(i, k, v)
    return i
${code}
t.close()`
  execFileSync('python3', ['-c', script])
  return readFileSync(archive)
}

function byTar(...args: readonly string[]): Buffer {
  const archive = join(directory, 'gnu.tar')
  execFileSync('tar', ['-C', directory, '-cf', archive, ...args])
  return readFileSync(archive)
}

const LONG = `${'directory/'.repeat(15)}${'n'.repeat(150)}`

describe('readTar() of other writers', () => {
  it.each(['USTAR', 'GNU', 'PAX'])('reads all types in the %s format', (format) => {
    const entries = collect(
      byPython(
        format,
        `
t.addfile(info('d', type=tarfile.DIRTYPE, mode=0o1777, mtime=5))
t.addfile(info('d/f', size=3, mode=0o4755, uid=1000, gid=100), io.BytesIO(b'abc'))
t.addfile(info('d/h', type=tarfile.LNKTYPE, linkname='d/f'))
t.addfile(info('d/s', type=tarfile.SYMTYPE, linkname='../x'))
t.addfile(info('d/c', type=tarfile.CHRTYPE, devmajor=1, devminor=3))
t.addfile(info('d/b', type=tarfile.BLKTYPE, devmajor=8, devminor=1))
t.addfile(info('d/p', type=tarfile.FIFOTYPE))`,
      ),
    )
    expect(entries.map(({ name, type, linkName }) => [name, type, linkName])).toEqual([
      ['d/', 'directory', ''],
      ['d/f', 'file', ''],
      ['d/h', 'hardlink', 'd/f'],
      ['d/s', 'symlink', '../x'],
      ['d/c', 'character', ''],
      ['d/b', 'block', ''],
      ['d/p', 'fifo', ''],
    ])
    expect(entries[0]).toMatchObject({ mode: 0o1777, mtime: { seconds: 5n, nanoseconds: 0n } })
    expect(entries[1]).toMatchObject({ mode: 0o4755, uid: 1000, gid: 100, content: Buffer.from('abc') })
    expect(entries[4]).toMatchObject({ devMajor: 1, devMinor: 3 })
  })

  it.each(['GNU', 'PAX'])('reads names and links of 300 bytes in the %s format', (format) => {
    const archive = byPython(format, `t.addfile(info('${LONG}', type=tarfile.SYMTYPE, linkname='/${LONG}'))`)
    expect(collect(archive)).toMatchObject([{ name: LONG, linkName: `/${LONG}` }])
  })

  it('reads the prefix field of ustar', () => {
    const name = `${'p'.repeat(120)}/${'n'.repeat(90)}`
    expect(collect(byPython('USTAR', `t.addfile(info('${name}'))`))).toMatchObject([{ name }])
  })

  it('reads high ids, old times and fractions of seconds', () => {
    const code = `t.addfile(info('a', uid=3000000000, gid=2097152, mtime=-1.5))`
    expect(collect(byPython('PAX', code))).toMatchObject([
      { uid: 3_000_000_000, gid: 2_097_152, mtime: { seconds: -2n, nanoseconds: 500_000_000n } },
    ])
    expect(collect(byPython('GNU', `t.addfile(info('a', uid=3000000000, mtime=-7))`))).toMatchObject([
      { uid: 3_000_000_000, mtime: { seconds: -7n, nanoseconds: 0n } },
    ])
  })

  it('keeps names that are no UTF-8 as the bytes they are', () => {
    const code = `t.addfile(info(b'\\xff\\xfe\\xe9'.decode('utf8', 'surrogateescape')))`
    for (const format of ['USTAR', 'GNU', 'PAX']) {
      expect(collect(byPython(format, code))[0]?.name).toBe('\xff\xfe\xe9')
    }
  })

  it('takes owners of a global header, and an own one before it', () => {
    const code = `
t.pax_headers = {'uid': '77', 'path': 'never'}
t.fileobj.write(t.tarinfo.create_pax_global_header({'uid': '77', 'path': 'never'}))
t.addfile(info('a'))
t.addfile(info('b', pax_headers={'uid': '78'}))`
    expect(collect(byPython('PAX', code)).map(({ name, uid }) => [name, uid])).toEqual([
      ['a', 77],
      ['b', 78],
    ])
  })

  it.each([
    ['old GNU', ['--format=gnu']],
    ['pax 0.0', ['--format=posix', '--sparse-version=0.0']],
    ['pax 0.1', ['--format=posix', '--sparse-version=0.1']],
    ['pax 1.0', ['--format=posix', '--sparse-version=1.0']],
  ])('reads files with holes in the %s format', (_, options) => {
    const expected = writeSparseFile('holes', 40)
    writeFileSync(join(directory, 'after'), 'after')
    const [holes, after] = collect(byTar('-S', ...options, 'holes', 'after'))
    expect(holes).toMatchObject({ name: 'holes', size: expected.length })
    expect(holes?.sparse?.length).toBeGreaterThan(30)
    expect(holes?.content.equals(expected)).toBe(true)
    expect(after?.content.toString()).toBe('after')
  })

  it('writes holes as holes', () => {
    const expected = writeSparseFile('holes', 3)
    const archive = join(directory, 'gnu.tar')
    byTar('-S', '--format=posix', 'holes')
    const copy = join(directory, 'copy')
    const [from, to] = [openSync(archive, 'r'), openSync(copy, 'w')]
    for (const entry of readTar(fdSource(from))) entry.content.copyTo(to)
    closeSync(from)
    closeSync(to)
    expect(readFileSync(copy).equals(expected)).toBe(true)
    const used = Number(execFileSync('stat', ['-c', '%b', copy]).toString()) * 512
    expect(used).toBeLessThan(expected.length / 2)
  })

  it('indexes an archive so that contents can be read by offset', () => {
    mkdirSync(join(directory, 'index'))
    writeFileSync(join(directory, 'index', 'big'), 'b'.repeat(3 * MIB))
    writeFileSync(join(directory, 'index', 'small'), 'small')
    const archive = byTar('--sort=name', 'index')
    const fd = openSync(join(directory, 'gnu.tar'), 'r')
    const index = indexTar(fd)
    closeSync(fd)
    expect(index.map(({ name, type, size }) => [name, type, size])).toEqual([
      ['index/', 'directory', 0],
      ['index/big', 'file', 3 * MIB],
      ['index/small', 'file', 5],
    ])
    const small = index[2]
    expect(archive.toString('latin1', small?.offset, (small?.offset ?? 0) + 5)).toBe('small')
  })
})

/** Data of 4 KiB at every 64 KiB, and a hole at the end. */
function writeSparseFile(name: string, pieces: number): Buffer {
  const path = join(directory, name)
  const fd = openSync(path, 'w')
  for (let index = 0; index < pieces; index++)
    writeSync(fd, Buffer.alloc(4096, index + 1), 0, 4096, index * 65536)
  ftruncateSync(fd, pieces * 65536)
  closeSync(fd)
  return readFileSync(path)
}
