import { describe, expect, it } from 'vitest'
import { readTar } from '../../../src/image/tar/read.ts'
import { buildTar, END, rawHeader } from './build.ts'
import { bufferSource, collect } from './collect.ts'

const NAME = [0, 'name'] as const
const pad = (data: Buffer) => Buffer.concat([data, Buffer.alloc(-data.length & 511)])
const octal = (value: number) => value.toString(8).padStart(11, '0')

/** A header with data: `flag` and what it describes. */
function member(flag: string, data: string | Buffer, fields: Parameters<typeof rawHeader>[0] = []): Buffer {
  const bytes = Buffer.from(data)
  const header = rawHeader([NAME, [124, octal(bytes.length)], [156, flag], [257, 'ustar\x0000'], ...fields])
  return Buffer.concat([header, pad(bytes)])
}

function record(key: string, value: string): string {
  const rest = key.length + value.length + 3
  let length = rest + String(rest).length
  length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

function withPax(records: string, ...rest: Buffer[]): Buffer {
  return Buffer.concat([member('x', records), ...(rest.length > 0 ? rest : [member('0', '')]), END])
}

const PREFIX = 'cannot read tar archive: '

describe('readTar() refuses', () => {
  const valid = buildTar([{ name: 'a', content: 'x'.repeat(700) }])
  const huge = Buffer.from([0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
  it.each([
    ['nothing at all', Buffer.alloc(0), 'it is truncated: its end is missing'],
    ['half a header', valid.subarray(0, 300), 'it is truncated within a header'],
    ['half a file', valid.subarray(0, 900), 'it is truncated within an entry'],
    ['a file without its padding', valid.subarray(0, 1300), 'it is truncated within an entry'],
    ['a missing end', valid.subarray(0, 1536), 'it is truncated: its end is missing'],
    ['what is no archive', Buffer.alloc(2048, 'text'), 'the checksum of a header is not a number'],
    ['a wrong checksum', rawHeader([NAME, [148, '1']], { checksum: false }), 'checksum'],
    ['a size that is no number', member('0', '', [[124, 'zz']]), 'the size of a header is not a number'],
    [
      'a negative size',
      member('0', '', [[124, Buffer.alloc(12, 0xff)]]),
      'the size of a header is out of range',
    ],
    ['a size above 2^53', member('0', '', [[124, huge]]), 'the size of a header is out of range'],
    ['a negative owner', member('0', '', [[108, Buffer.alloc(8, 0xff)]]), 'has the owner -1'],
    ['an owner above 32 bits', withPax(record('uid', '4294967295')), 'has the owner 4294967295'],
    ['an unknown type', member('Q', ''), '"name" has the unknown type "Q"'],
    ['a pax record without a length', withPax('path=x\n'), 'an extended header is malformed'],
    ['a pax record that is too long', withPax('99 path=x\n'), 'an extended header is malformed'],
    ['a pax record without a newline', withPax('10 path=xx'), 'an extended header is malformed'],
    ['a pax record of length 0', withPax('0 path=x\n'), 'an extended header is malformed'],
    [
      'a pax size that is no number',
      withPax(record('size', '-1')),
      'the size of an extended header is no number',
    ],
    [
      'a pax size with an exponent',
      withPax(record('size', '1e3')),
      'the size of an extended header is no number',
    ],
    ['a pax time that is no number', withPax(record('mtime', 'now')), 'the mtime of an extended header'],
    ['a pax time above 63 bits', withPax(record('mtime', '9223372036854775808')), 'is out of range'],
    [
      'an extended header of 2 MiB',
      member('x', '', [[124, octal(2 ** 21)]]),
      'an extended header has 2097152 bytes',
    ],
    [
      'a long name of 2 MiB',
      member('L', '', [[124, octal(2 ** 21)]]),
      'an extended header has 2097152 bytes',
    ],
    ['a name of 5,000 bytes', withPax(record('path', 'n'.repeat(5000))), 'has more than 4096 bytes'],
    [
      'a link of 5,000 bytes',
      withPax(record('linkpath', 'n'.repeat(5000)), member('2', '')),
      'has more than 4096',
    ],
    [
      'an extended header for nothing',
      Buffer.concat([member('x', record('uid', '1')), END]),
      'ends after an extended',
    ],
    [
      'a sparse map beyond its file',
      withPax(sparse01('0,10', 5), member('0', 'x'.repeat(10))),
      'does not fit its file',
    ],
    [
      'an overlapping sparse map',
      withPax(sparse01('4,4,0,4', 9), member('0', 'x'.repeat(8))),
      'does not fit its file',
    ],
    [
      'a sparse map of other data',
      withPax(sparse01('0,4', 9), member('0', 'x'.repeat(8))),
      'does not fit its data',
    ],
    ['an odd sparse map', withPax(sparse01('0', 9), member('0', '')), 'a sparse map is malformed'],
    [
      'a sparse map of letters',
      withPax(sparse10(), member('0', 'x\n'.repeat(300))),
      'a sparse map is malformed',
    ],
    ['an endless sparse map', withPax(sparse10(), member('0', '9\n0\n1\n')), 'truncated'],
    [
      'a sparse map with a billion entries',
      withPax(sparse10(), member('0', pad(Buffer.from('999999999\n')))),
      'more than 65536',
    ],
    ['a sparse format of the future', withPax(record('GNU.sparse.major', '2')), 'format of a sparse file'],
  ])('%s', (_, archive, message) => {
    expect(() => collect(archive)).toThrow(message)
    expect(() => collect(archive)).toThrow(PREFIX)
    expect(() => collect(archive)).toThrow(expect.objectContaining({ code: 'INVALID_ARCHIVE' }))
  })

  it('multi-volume archives', () => {
    expect(() => collect(member('M', ''))).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })

  it('global headers that grow without end', () => {
    const headers = Array.from({ length: 30 }, (_, index) =>
      member('g', record(`SCHILY.xattr.user.${index}`, 'v'.repeat(60_000))),
    )
    expect(() => collect(Buffer.concat(headers))).toThrow('an extended header has')
  })

  it('reads of an entry that has passed', () => {
    const [entry] = [...readTar(bufferSource(buildTar([{ name: 'a', content: 'x' }])))]
    expect(() => entry?.content.read(Buffer.alloc(1))).toThrow('was read after the next entry')
  })
})

function sparse01(map: string, size: number): string {
  return record('GNU.sparse.map', map) + record('GNU.sparse.size', String(size))
}

function sparse10(): string {
  return (
    record('GNU.sparse.major', '1') + record('GNU.sparse.minor', '0') + record('GNU.sparse.realsize', '99')
  )
}

describe('readTar() takes', () => {
  it('checksums of signed bytes', () => {
    const header = rawHeader(
      [
        [0, Buffer.from([0xe4, 0xf6])],
        [156, '0'],
      ],
      { signed: true },
    )
    expect(collect(Buffer.concat([header, END]))).toMatchObject([{ name: '\xe4\xf6', type: 'file' }])
  })

  it('directories of v7, which are files whose name ends with a slash', () => {
    const header = rawHeader([[0, 'd/']])
    expect(collect(Buffer.concat([header, END]))).toMatchObject([{ name: 'd/', type: 'directory' }])
  })

  it('a missing end where that is allowed', () => {
    const archive = buildTar([{ name: 'a', content: 'x' }]).subarray(0, 1024)
    expect(collect(archive, { endMarker: 'optional' })).toHaveLength(1)
    expect(collect(Buffer.alloc(0), { endMarker: 'optional' })).toEqual([])
  })

  it('anything after the end', () => {
    expect(collect(Buffer.concat([buildTar([]), Buffer.alloc(5000, 'garbage')]))).toEqual([])
  })

  it('attributes of any bytes, in the forms of star and of libarchive', () => {
    const value = '\x01\0\0\x02\xff\n=\0'
    const star = Buffer.from(record('SCHILY.xattr.security.capability', value), 'latin1')
    const archive = Buffer.concat([member('x', star), member('0', ''), END])
    expect(collect(archive)[0]?.xattrs).toEqual({ 'security.capability': value })
    const encoded = record('LIBARCHIVE.xattr.user.a%3Db', Buffer.from(value, 'latin1').toString('base64'))
    expect(collect(withPax(encoded))[0]?.xattrs).toEqual({ 'user.a=b': value })
  })

  it('a size field of links and directories as no data', () => {
    const archive = Buffer.concat([
      rawHeader([
        [0, 'd'],
        [124, octal(4096)],
        [156, '5'],
      ]),
      rawHeader([
        [0, 'l'],
        [124, octal(9)],
        [156, '1'],
        [157, 'x'],
      ]),
      END,
    ])
    expect(collect(archive).map(({ name, size }) => [name, size])).toEqual([
      ['d', 0],
      ['l', 0],
    ])
  })

  it('volume labels without making an entry of them', () => {
    expect(collect(Buffer.concat([member('V', ''), member('0', 'x'), END]))).toHaveLength(1)
  })

  it('an empty pax value as none', () => {
    expect(collect(withPax(record('path', 'x') + record('path', '')))[0]?.name).toBe('name')
  })
})
