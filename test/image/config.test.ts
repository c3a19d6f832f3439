import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BryoError } from '../../src/base/errors.ts'
import { parseImageConfig, parseImageDetails } from '../../src/image/config.ts'

const DIFF_ID = `sha256:${'cd'.repeat(32)}`
const rootfs = { type: 'layers', diff_ids: [DIFF_ID] }

function read(document: unknown) {
  return parseImageConfig(Buffer.from(JSON.stringify(document)))
}

describe('parseImageConfig()', () => {
  it('reads what running needs', () => {
    const config = read({
      architecture: 'arm64',
      variant: 'v8',
      os: 'linux',
      created: '2024-01-02T03:04:05Z',
      config: {
        Env: ['PATH=/bin', 'A=b'],
        Entrypoint: ['/init'],
        Cmd: ['sh', '-c', 'x'],
        WorkingDir: '/w',
        User: '1000:100',
        Volumes: { '/data': {} },
        ExposedPorts: { '80/tcp': {}, '53/udp': {} },
        Labels: { a: 'b' },
        StopSignal: 'SIGINT',
      },
      rootfs,
    })
    expect(config).toEqual({
      architecture: 'arm64',
      variant: 'v8',
      os: 'linux',
      created: '2024-01-02T03:04:05Z',
      env: ['PATH=/bin', 'A=b'],
      entrypoint: ['/init'],
      cmd: ['sh', '-c', 'x'],
      workingDir: '/w',
      user: '1000:100',
      volumes: ['/data'],
      exposedPorts: ['80/tcp', '53/udp'],
      labels: { a: 'b' },
      stopSignal: 'SIGINT',
      diffIds: [DIFF_ID],
    })
  })

  it('takes missing members and null for empty', () => {
    const empty = { env: [], entrypoint: [], cmd: [], workingDir: '', user: '', labels: {}, volumes: [] }
    expect(read({ rootfs })).toMatchObject(empty)
    const nulls = { Env: null, Cmd: null, Entrypoint: null, Labels: null, Volumes: null, User: null }
    expect(read({ config: nulls, rootfs })).toMatchObject(empty)
  })

  it('takes a command that is one string', () => {
    expect(read({ config: { Entrypoint: '/bin/app' }, rootfs }).entrypoint).toEqual(['/bin/app'])
  })

  it('keeps a label named like a part of the language', () => {
    const config = parseImageConfig(
      Buffer.from(`{"config":{"Labels":{"__proto__":"x"}},"rootfs":{"type":"layers","diff_ids":[]}}`),
    )
    expect(Object.entries(config.labels)).toEqual([['__proto__', 'x']])
    expect(Object.getPrototypeOf(config.labels)).toBe(Object.prototype)
  })

  it.each([
    ['no rootfs', {}],
    ['another kind of rootfs', { rootfs: { type: 'disk', diff_ids: [] } }],
    ['a diff id that is a path', { rootfs: { type: 'layers', diff_ids: ['sha256:../x'] } }],
    ['an environment that is no list', { config: { Env: 'A=b' }, rootfs }],
    ['a number in the command', { config: { Cmd: ['a', 1] }, rootfs }],
    ['a NUL in the command', { config: { Cmd: ['a\0b'] }, rootfs }],
    ['a NUL in a volume', { config: { Volumes: { 'a\0': {} } }, rootfs }],
    ['labels that are a list', { config: { Labels: ['a'] }, rootfs }],
    ['a user that is a number', { config: { User: 0 }, rootfs }],
  ])('refuses %s', (_, document) => {
    expect(() => read(document)).toThrow(expect.objectContaining({ code: 'INVALID_IMAGE' }))
  })

  it('gives any JSON a configuration or INVALID_IMAGE', () => {
    const key = fc.constantFrom('config', 'rootfs', 'type', 'diff_ids', 'Env', 'Cmd', 'Labels', 'history')
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom('layers', DIFF_ID, null, []),
        fc.jsonValue(),
        fc.dictionary(key, tie('node')),
      ),
    })).node
    fc.assert(
      fc.property(value, (document) => {
        for (const parse of [parseImageConfig, parseImageDetails]) {
          try {
            parse(Buffer.from(JSON.stringify(document)))
          } catch (error) {
            expect(error).toBeInstanceOf(BryoError)
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('parseImageDetails()', () => {
  it('reads the history and keeps the raw configuration', () => {
    const document = {
      author: 'ana',
      config: { Healthcheck: { Test: ['NONE'] } },
      history: [
        { created_by: 'ADD x', created: '2024-01-01T00:00:00Z' },
        { empty_layer: true, comment: 'c' },
      ],
      rootfs,
    }
    expect(parseImageDetails(Buffer.from(JSON.stringify(document)))).toEqual({
      author: 'ana',
      comment: '',
      dockerVersion: '',
      raw: { Healthcheck: { Test: ['NONE'] } },
      history: [
        { createdBy: 'ADD x', created: '2024-01-01T00:00:00Z' },
        { comment: 'c', emptyLayer: true },
      ],
    })
  })
})
