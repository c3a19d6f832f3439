import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseMount } from '../../src/cli/parse/mount.ts'
import { parseTmpfs, parseVolume } from '../../src/cli/parse/volume.ts'

const CWD = '/home/ana/work'

describe('parseVolume()', () => {
  it.each([
    ['/data', { type: 'volume', target: '/data', options: [] }],
    ['cache:/data', { type: 'volume', name: 'cache', target: '/data', options: [] }],
    ['/srv/a:/data', { type: 'bind', source: '/srv/a', target: '/data', options: [] }],
    ['.:/w', { type: 'bind', source: CWD, target: '/w', options: [] }],
    ['../x:/w/', { type: 'bind', source: '/home/ana/x', target: '/w', options: [] }],
    ['./a\\:b:/w', { type: 'bind', source: `${CWD}/a:b`, target: '/w', options: [] }],
    ['/a:/w//x/../y:ro,Z,U', { type: 'bind', source: '/a', target: '/w/y', options: ['ro', 'Z', 'U'] }],
    [
      '/a:/w:rslave,noexec,ro,ro',
      { type: 'bind', source: '/a', target: '/w', options: ['rslave', 'noexec', 'ro'] },
    ],
    ['/a:/w:O,ro', { type: 'bind', source: '/a', target: '/w', options: ['O', 'ro'] }],
    ['v:/w:nocopy,ro', { type: 'volume', name: 'v', target: '/w', options: ['nocopy', 'ro'] }],
    ['v:/w:', { type: 'volume', name: 'v', target: '/w', options: [] }],
  ])('reads %s', (text, mount) => {
    expect(parseVolume(text, CWD)).toEqual(mount)
  })

  it.each([
    ['', 'the container path "" is not absolute'],
    ['data', 'the container path "data" is not absolute'],
    ['/a:data', 'the container path "data" is not absolute'],
    [':/data', 'the source is empty'],
    ['/a:/', 'nothing can be mounted on "/" of the container'],
    ['/a:/x/..', 'nothing can be mounted on "/" of the container'],
    [
      'a/b:/x',
      'the volume name "a/b" is not made of letters, digits, _ . and -; for a directory, write ./a/b',
    ],
    ['-x:/x', 'the volume name "-x" is not made of letters, digits, _ . and -'],
    ['/a:/b:ro:rw', 'expected [SOURCE:]TARGET[:OPTIONS]'],
    ['/a:/b:bogus', 'unknown option "bogus"'],
    ['/a:/b:ro,rw', 'the options ro and rw exclude each other'],
    ['/a:/b:z,Z', 'the options z and Z exclude each other'],
    ['/a:/b:shared,rslave', 'the options shared and rslave exclude each other'],
    ['/a:/b:O,upperdir=/u', 'unknown option "upperdir=/u"'],
    ['/a:/b:idmap', 'unknown option "idmap"'],
    ['/a:/b\0', 'the container path contains NUL'],
  ])('refuses "%s"', (text, message) => {
    expect(() => parseVolume(text, CWD)).toThrow(message)
  })
})

describe('parseTmpfs()', () => {
  it('reads a target with options', () => {
    expect(parseTmpfs('/run')).toEqual({ type: 'tmpfs', target: '/run', options: [] })
    expect(parseTmpfs('/run:rw,size=64m,mode=1777,noexec')).toEqual({
      type: 'tmpfs',
      target: '/run',
      options: ['rw', 'size=64m', 'mode=1777', 'noexec'],
    })
  })

  it.each([
    ['/x:size=big', 'unknown size "big"'],
    ['/x:mode=9', 'unknown mode "9"'],
    ['/x:Z', 'unknown option "Z"'],
    ['/x:exec,noexec', 'the options exec and noexec exclude each other'],
    ['x', 'is not absolute'],
    ['/x:ro:rw', 'expected TARGET[:OPTIONS]'],
  ])('refuses %s', (text, message) => {
    expect(() => parseTmpfs(text)).toThrow(message)
  })
})

describe('parseMount()', () => {
  it.each([
    ['type=bind,src=/a,dst=/b', { type: 'bind', source: '/a', target: '/b', options: [] }],
    ['type=bind,source=.,target=/b,ro', { type: 'bind', source: CWD, target: '/b', options: ['ro'] }],
    [
      'type=bind,src=/a,destination=/b,readonly=false',
      { type: 'bind', source: '/a', target: '/b', options: ['rw'] },
    ],
    [
      'type=bind,src=/a,dst=/b,bind-propagation=rslave,relabel=private,U=true,noexec,bind-nonrecursive,consistency=cached',
      { type: 'bind', source: '/a', target: '/b', options: ['rslave', 'Z', 'U', 'noexec', 'bind'] },
    ],
    [
      'type=bind,src=/a,dst=/b,chown=false,relabel=shared',
      { type: 'bind', source: '/a', target: '/b', options: ['z'] },
    ],
    ['type=bind,"src=/a,b",dst=/c', { type: 'bind', source: '/a,b', target: '/c', options: [] }],
    ['dst=/b', { type: 'volume', target: '/b', options: [] }],
    [
      'type=volume,src=v,dst=/b,volume-nocopy',
      { type: 'volume', name: 'v', target: '/b', options: ['nocopy'] },
    ],
    [
      'type=tmpfs,dst=/b,tmpfs-size=1g,tmpfs-mode=755,notmpcopyup',
      { type: 'tmpfs', target: '/b', options: ['size=1g', 'mode=755', 'notmpcopyup'] },
    ],
    ['type=image,src=alpine,dst=/b', { type: 'image', image: 'alpine', target: '/b', readWrite: false }],
    [
      'type=image,src=alpine,dst=/b,rw=true',
      { type: 'image', image: 'alpine', target: '/b', readWrite: true },
    ],
    [
      'type=devpts,dst=/dev/pts,uid=1,gid=5,mode=620,max=64',
      { type: 'devpts', target: '/dev/pts', options: ['uid=1', 'gid=5', 'mode=620', 'max=64'] },
    ],
  ])('reads %s', (text, mount) => {
    expect(parseMount(text, CWD)).toEqual(mount)
  })

  it.each([
    ['type=foo,dst=/b', 'unknown type "foo", expected bind, volume, tmpfs, image or devpts'],
    ['type=bind,src=/a', 'expected a target: dst=PATH'],
    ['type=bind,dst=/a', 'expected a source: src=PATH'],
    ['type=bind,src=/a,dst=b', 'the container path "b" is not absolute'],
    ['type=bind,src=/a,dst=/b,foo=1', 'unknown key "foo"'],
    ['type=bind,src=/a,dst=/b,foo', 'expected a value for "foo"'],
    ['type=bind,src=/a,dst=/b,ro=maybe', 'unknown value "maybe" of ro, expected true or false'],
    ['type=bind,src=/a,dst=/b,bind-propagation=x', 'unknown propagation "x"'],
    ['type=bind,src=/a,dst=/b,relabel=x', 'unknown relabel "x", expected shared or private'],
    ['type=bind,src=/a,dst=/b,size=1', 'unknown option "size=1"'],
    ['type=volume,src=a/b,dst=/b', 'the volume name "a/b"'],
    ['type=tmpfs,src=/a,dst=/b', 'the type tmpfs takes no source'],
    ['type=tmpfs,dst=/b,tmpfs-size=x', 'unknown size "x"'],
    ['type=image,dst=/b', 'expected a source: src=IMAGE'],
    ['type=image,src=a,dst=/b,noexec', 'the option noexec is not for the type image'],
    ['type=devpts,dst=/b,size=1', 'unknown option "size=1"'],
    ['', 'expected a value for ""'],
    ['"', 'unclosed "'],
  ])('refuses %s', (text, message) => {
    expect(() => parseMount(text, CWD)).toThrow(message)
  })

  it('gives an absolute target or an error, whatever the text', () => {
    const word = fc.constantFrom(
      'type=bind',
      'type=',
      'src=/a',
      'src=',
      'dst=/b',
      'dst=/../..',
      'ro',
      'U',
      '=',
      'idmap',
      '"',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string())), (words) => {
        try {
          const { target } = parseMount(words.join(','), CWD)
          expect(target).toMatch(/^\/(?!\.\.)./)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
          expect(error).not.toBeInstanceOf(TypeError)
        }
      }),
    )
  })
})
