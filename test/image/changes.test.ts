import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BryoError } from '../../src/base/errors.ts'
import { parseChanges } from '../../src/image/changes.ts'

describe('parseChanges()', () => {
  it.each([
    [['CMD ["sh","-c","x y"]'], { Cmd: ['sh', '-c', 'x y'] }],
    [['CMD echo hi'], { Cmd: ['/bin/sh', '-c', 'echo hi'] }],
    [['cmd=["a"]'], { Cmd: ['a'] }],
    [['ENTRYPOINT [ -e /x ] && y'], { Entrypoint: ['/bin/sh', '-c', '[ -e /x ] && y'] }],
    [['ENV A=b C="d e" F=g\\ h', 'ENV A=c'], { Env: ['A=c', 'C=d e', 'F=g h'] }],
    [['ENV A b c'], { Env: ['A=b c'] }],
    [['ENV A='], { Env: ['A='] }],
    [['LABEL a=b "c.d"="e f"'], { Labels: { a: 'b', 'c.d': 'e f' } }],
    [
      ['EXPOSE 80 53/UDP 8000-8001/tcp'],
      { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8000/tcp': {}, '8001/tcp': {} } },
    ],
    [['VOLUME /a /b', 'VOLUME ["/c"]'], { Volumes: { '/a': {}, '/b': {}, '/c': {} } }],
    [['WORKDIR /a/../b', 'WORKDIR c/./d'], { WorkingDir: '/b/c/d' }],
    [
      ['USER 1000:100', 'STOPSIGNAL SIGINT', 'ONBUILD RUN x'],
      { User: '1000:100', StopSignal: 'SIGINT', OnBuild: ['RUN x'] },
    ],
    [[], {}],
  ])('reads %j', (changes, expected) => {
    expect(parseChanges(changes)).toEqual(expected)
  })

  it.each([
    '',
    'CMD',
    'RUN x',
    'ENV =b',
    'ENV A="b',
    'EXPOSE 0',
    'EXPOSE 65536',
    'EXPOSE 9-8',
    'EXPOSE x',
    'USER a\0b',
  ])('refuses %j', (change) => {
    expect(() => parseChanges([change])).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  it('gives any text changes or an error of use', () => {
    const word = fc.constantFrom('CMD', 'ENV', 'LABEL', 'VOLUME', 'EXPOSE', 'WORKDIR')
    fc.assert(
      fc.property(
        word,
        fc.string({ unit: fc.constantFrom('a', '=', '"', "'", '\\', ' ', '[', ']', ',', '/', '1', '\n') }),
        (name, rest) => {
          try {
            parseChanges([`${name} ${rest}`])
          } catch (error) {
            expect(error).toBeInstanceOf(BryoError)
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
