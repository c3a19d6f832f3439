import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTarWriter } from '../../../src/image/tar/write.ts'
import { encodeTarHeader } from '../../../src/image/tar/writeHeader.ts'
import { buildTar, headerOf } from './build.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'bryo-tar-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

describe('createTarWriter()', () => {
  const LONG = `${'directory/'.repeat(15)}${'n'.repeat(150)}`
  const value = Buffer.from([1, 0, 0, 2, 0xff, 0x0a])
  const archive = buildTar([
    { name: 'd/', type: 'directory', mode: 0o1755 },
    { name: LONG, content: 'long', uid: 3_000_000_000, mtime: { seconds: -2n, nanoseconds: 500_000_000n } },
    { name: `${'p'.repeat(120)}/${'n'.repeat(90)}`, content: 'prefix' },
    { name: 'é', type: 'symlink', linkName: LONG },
    { name: 'x', xattrs: new Map([['security.capability', value]]) },
  ])

  it('is read by Python as it was meant', () => {
    const path = join(directory, 'a.tar')
    writeFileSync(path, archive)
    const script = `
import tarfile, json, sys
t = tarfile.open(sys.argv[1])
print(json.dumps([[m.name, m.type.decode(), m.mode, m.uid, m.mtime, m.size, m.linkname] for m in t]))`
    expect(JSON.parse(execFileSync('python3', ['-c', script, path]).toString())).toEqual([
      ['d', '5', 0o1755, 0, 1_600_000_000, 0, ''],
      [LONG, '0', 0o644, 3_000_000_000, -1.5, 4, ''],
      [`${'p'.repeat(120)}/${'n'.repeat(90)}`, '0', 0o644, 0, 1_600_000_000, 6, ''],
      ['é', '2', 0o777, 0, 1_600_000_000, 0, LONG],
      ['x', '0', 0o644, 0, 1_600_000_000, 0, ''],
    ])
  })

  it('is read by GNU tar without a warning', () => {
    const path = join(directory, 'a.tar')
    writeFileSync(path, archive)
    const listed = execFileSync('tar', ['-tf', path], { env: { LC_ALL: 'C.UTF-8' } }).toString()
    expect(listed.trim().split('\n')).toHaveLength(5)
  })

  it('writes a plain ustar header where that is enough', () => {
    const header = encodeTarHeader(headerOf({ name: 'a/b', content: 'x', mode: 0o4755, uid: 1, gid: 2 }))
    expect(header).toHaveLength(512)
    expect(header.toString('latin1', 100, 136)).toBe('0004755\x000000001\x000000002\x0000000000001\0')
  })

  it('states sizes above 8 GiB in a record', () => {
    const size = 10 * 1024 ** 3
    expect(encodeTarHeader({ ...headerOf({ name: 'a' }), size }).toString('latin1')).toContain(
      `size=${size}\n`,
    )
  })

  it('refuses content of another length than the header says', () => {
    const writer = createTarWriter(() => {})
    writer.add(headerOf({ name: 'a', content: 'four' }))
    expect(() => writer.content(Buffer.from('fifth'))).toThrow('longer than its header says')
    writer.content(Buffer.from('fo'))
    expect(() => writer.finish()).toThrow('2 bytes short')
  })
})
