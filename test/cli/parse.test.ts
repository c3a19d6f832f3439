import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCsvRecord } from '../../src/cli/parse/csv.ts'
import { parseDetachKeys } from '../../src/cli/parse/detachKeys.ts'
import { parseDevice } from '../../src/cli/parse/device.ts'
import { parseDuration } from '../../src/cli/parse/duration.ts'
import { parseEntrypoint } from '../../src/cli/parse/entrypoint.ts'
import { mergeEnv, parseEnv, parseEnvFile } from '../../src/cli/parse/environment.ts'
import { parseAddHost } from '../../src/cli/parse/hostEntry.ts'
import { parseKeyValue, parseLabel, parseLabelFile, toRecord } from '../../src/cli/parse/keyValue.ts'
import { parseSignal } from '../../src/cli/parse/signal.ts'
import { parseSize } from '../../src/cli/parse/size.ts'
import { combineUlimits, parseOwnLimits, parseUlimit } from '../../src/cli/parse/ulimit.ts'
import { parseUmask } from '../../src/cli/parse/umask.ts'

describe('parseSize()', () => {
  it.each([
    ['512', 512],
    ['0', 0],
    ['64m', 64 * 1024 ** 2],
    ['1G', 1024 ** 3],
    ['1.5k', 1536],
    ['10b', 10],
    ['2 KiB', 2048],
    ['3mb', 3 * 1024 ** 2],
  ])('reads %s as %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  it.each(['', 'm', '-1', '1x', '0x10', '1e3', '9999999999999g', 'NaN', '1m2'])('refuses "%s"', (text) => {
    expect(() => parseSize(text)).toThrow('expected a size')
  })
})

describe('parseDuration()', () => {
  it.each([
    ['0', 0],
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['500ms', 500],
    ['-2s', -2000],
    ['250us', 0.25],
    ['.5s', 500],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', '10', 's', '1d', '1s ', '1s2', '1..5s', '--1s'])('refuses "%s"', (text) => {
    expect(() => parseDuration(text)).toThrow('expected a duration')
  })
})

describe('parseCsvRecord()', () => {
  it('splits at commas that are not in quotes', () => {
    expect(parseCsvRecord('a,"b,""c""",,d')).toEqual(['a', 'b,"c"', '', 'd'])
    expect(parseCsvRecord('')).toEqual([''])
    expect(parseCsvRecord('a,""')).toEqual(['a', ''])
  })

  it('refuses quotes that do not enclose a field', () => {
    for (const line of ['"a', 'a"b"', '"a"b', 'x,"']) expect(() => parseCsvRecord(line)).toThrow('"')
  })

  it('reads back every list of fields', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (fields) => {
        const line = fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(',')
        expect(parseCsvRecord(line)).toEqual(fields)
      }),
    )
  })
})

describe('environment variables', () => {
  const host = { HOME: '/home/ana', LC_ALL: 'C', LC_TIME: 'de', EMPTY: '' }

  it('takes a value, or the caller’s own, or all of a prefix', () => {
    expect(parseEnv('A=b=c', host)).toEqual(['A=b=c'])
    expect(parseEnv('A=', host)).toEqual(['A='])
    expect(parseEnv('HOME', host)).toEqual(['HOME=/home/ana'])
    expect(parseEnv('EMPTY', host)).toEqual(['EMPTY='])
    expect(parseEnv('ABSENT', host)).toEqual([])
    expect(parseEnv('LC_*', host)).toEqual(['LC_ALL=C', 'LC_TIME=de'])
    expect(parseEnv('LC_*=x', host)).toEqual(['LC_*=x'])
  })

  it('refuses what has no name', () => {
    expect(() => parseEnv('=x', host)).toThrow('expected NAME=value')
    expect(() => parseEnv('', host)).toThrow('expected NAME=value')
    expect(() => parseEnv('A=\0', host)).toThrow('NUL')
  })

  it('reads a file line by line, without looking at quotes', () => {
    const file = '\ufeff# a comment\n\nA="b c" # d\r\n  B=x \nHOME\nLC_A*\nABSENT\n   # more\nC='
    expect(parseEnvFile(file, host)).toEqual(['A="b c" # d', 'B=x ', 'HOME=/home/ana', 'LC_ALL=C', 'C='])
  })

  it('names the line of a file that is wrong', () => {
    expect(() => parseEnvFile('A=1\nb c=2', host)).toThrow('line 2: the name "b c" contains whitespace')
    expect(() => parseEnvFile('=1', host)).toThrow('line 1: expected NAME=value')
  })

  it('keeps the last value of a name', () => {
    expect(mergeEnv(['A=1', 'B=2', 'A=3'])).toEqual(['A=3', 'B=2'])
  })
})

describe('labels and other pairs', () => {
  it('takes a label without a value', () => {
    expect(parseLabel('a')).toEqual({ key: 'a', value: '' })
    expect(parseLabel('a=b=c')).toEqual({ key: 'a', value: 'b=c' })
    expect(() => parseLabel('=b')).toThrow('expected key=value')
    expect(() => parseKeyValue('a')).toThrow('expected key=value')
  })

  it('reads a file of labels', () => {
    expect(parseLabelFile('# x\n a=b \n\nc\n')).toEqual([
      { key: 'a', value: 'b' },
      { key: 'c', value: '' },
    ])
  })

  it('takes any key, also names that objects have', () => {
    const record = toRecord([
      { key: '__proto__', value: 'a' },
      { key: 'toString', value: 'b' },
    ])
    expect(Object.entries(record)).toEqual([
      ['__proto__', 'a'],
      ['toString', 'b'],
    ])
  })
})

describe('parseUlimit()', () => {
  it.each([
    ['nofile=1024:4096', { type: 'RLIMIT_NOFILE', soft: '1024', hard: '4096' }],
    ['RLIMIT_CORE=0', { type: 'RLIMIT_CORE', soft: '0', hard: '0' }],
    ['memlock=-1', { type: 'RLIMIT_MEMLOCK', soft: 'unlimited', hard: 'unlimited' }],
    ['stack=8:unlimited', { type: 'RLIMIT_STACK', soft: '8', hard: 'unlimited' }],
    ['fsize=18446744073709551615', { type: 'RLIMIT_FSIZE', soft: 'unlimited', hard: 'unlimited' }],
    ['host', 'host'],
  ])('reads %s', (text, limit) => {
    expect(parseUlimit(text)).toEqual(limit)
  })

  it.each([
    ['foo=1', 'unknown limit "foo"'],
    ['nofile', 'expected NAME=SOFT[:HARD]'],
    ['nofile=', 'expected NAME=SOFT[:HARD]'],
    ['nofile=a', 'expected NAME=SOFT[:HARD]'],
    ['nofile=1:2:3', 'expected NAME=SOFT[:HARD]'],
    ['nofile=2:1', 'the soft limit 2 is above the hard limit 1'],
    ['nofile=-1:5', 'the soft limit -1 is above the hard limit 5'],
    ['nofile=18446744073709551616', 'expected NAME=SOFT[:HARD]'],
  ])('refuses %s', (text, message) => {
    expect(() => parseUlimit(text)).toThrow(message)
  })

  it('takes the caller’s own limits for host, which later ones replace', () => {
    const own = [
      'Limit                     Soft Limit           Hard Limit           Units     ',
      'Max cpu time              unlimited            unlimited            seconds   ',
      'Max open files            1024                 524288               files     ',
    ].join('\n')
    expect(parseOwnLimits(own)).toEqual([
      { type: 'RLIMIT_CPU', soft: 'unlimited', hard: 'unlimited' },
      { type: 'RLIMIT_NOFILE', soft: '1024', hard: '524288' },
    ])
    const five = { type: 'RLIMIT_NOFILE', soft: '5', hard: '5' }
    expect(combineUlimits(['host', five], () => own)).toEqual([
      { type: 'RLIMIT_CPU', soft: 'unlimited', hard: 'unlimited' },
      five,
    ])
  })
})

describe('devices, hosts, signals, keys, masks, entrypoints', () => {
  it.each([
    ['/dev/fuse', { hostPath: '/dev/fuse', path: '/dev/fuse', access: 'rwm' }],
    ['/dev/a:/dev/b', { hostPath: '/dev/a', path: '/dev/b', access: 'rwm' }],
    ['/dev/a:r', { hostPath: '/dev/a', path: '/dev/a', access: 'r' }],
    ['/dev/a:/dev/b:rw', { hostPath: '/dev/a', path: '/dev/b', access: 'rw' }],
  ])('parseDevice() reads %s', (text, device) => {
    expect(parseDevice(text)).toEqual(device)
  })

  it.each(['dev/a', '/dev/a:b', '/dev/a:/dev/b:x', '/dev/a:/b:r:w', ''])(
    'parseDevice() refuses %s',
    (text) => {
      expect(() => parseDevice(text)).toThrow(/expected|absolute/)
    },
  )

  it('parseAddHost() takes several names and both kinds of addresses', () => {
    expect(parseAddHost('a;b:10.0.0.1')).toEqual(['a:10.0.0.1', 'b:10.0.0.1'])
    expect(parseAddHost('a:::1')).toEqual(['a:::1'])
    expect(parseAddHost('a=[fe80::1]')).toEqual(['a:fe80::1'])
    expect(parseAddHost('h:host-gateway')).toEqual(['h:host-gateway'])
    for (const text of ['a', 'a:', ':1.2.3.4', 'a:1.2.3', 'a b:1.2.3.4', 'a\n:1.2.3.4']) {
      expect(() => parseAddHost(text)).toThrow('expected NAME:ADDRESS')
    }
  })

  it('parseSignal() takes names with and without SIG, numbers and real-time signals', () => {
    expect(['SIGTERM', 'term', '15', 'RTMIN+3', 'sigrtmax-1', 'SIGRTMIN'].map(parseSignal)).toEqual([
      'SIGTERM',
      'SIGTERM',
      '15',
      'SIGRTMIN+3',
      'SIGRTMAX-1',
      'SIGRTMIN',
    ])
    for (const text of ['', 'FOO', '0', '65', '-1', 'RTMAX+1', 'RTMIN-1', 'RTMIN+99']) {
      expect(() => parseSignal(text)).toThrow('expected the name or number of a signal')
    }
  })

  it('parseDetachKeys() gives the bytes of a sequence', () => {
    expect([...parseDetachKeys('ctrl-p,ctrl-q')]).toEqual([16, 17])
    expect([...parseDetachKeys('a,ctrl-@,ctrl-[,ctrl-_')]).toEqual([97, 0, 27, 31])
    expect([...parseDetachKeys('')]).toEqual([])
    for (const text of ['ab', 'ctrl-', 'ctrl-1', 'a,,b', 'é']) {
      expect(() => parseDetachKeys(text)).toThrow('unknown key')
    }
  })

  it('parseUmask() reads octal digits only', () => {
    expect(parseUmask('0027')).toBe(0o27)
    for (const text of ['8', '00000', '', '0x1']) expect(() => parseUmask(text)).toThrow('octal')
  })

  it('parseEntrypoint() takes a program, a JSON list, or nothing', () => {
    expect(parseEntrypoint('/bin/sh -c')).toEqual(['/bin/sh -c'])
    expect(parseEntrypoint('["sh","-c"]')).toEqual(['sh', '-c'])
    expect(parseEntrypoint('')).toEqual([])
    expect(parseEntrypoint('[')).toEqual(['['])
    expect(() => parseEntrypoint('["sh",1]')).toThrow('list of strings')
  })
})
