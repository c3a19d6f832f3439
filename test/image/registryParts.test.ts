import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseChallenges } from '../../src/image/registry/challenge.ts'
import { keysFor } from '../../src/image/registry/credentials.ts'
import { findLogin } from '../../src/image/registry/login.ts'
import { BusyError, DEFAULT_RETRY, delayBefore, parseRetryAfter } from '../../src/image/registry/retry.ts'
import { isSameSite } from '../../src/image/registry/token.ts'
import { loadTrust } from '../../src/image/registry/trust.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bryo-registry-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('parseChallenges()', () => {
  it('reads several challenges with quoted and plain parameters', () => {
    const header = 'Basic realm="a, \\"b\\"", Bearer realm="https://x/token",service=reg , scope="a:b:c d"'
    expect(parseChallenges(header)).toEqual([
      { scheme: 'basic', parameters: { realm: 'a, "b"' } },
      { scheme: 'bearer', parameters: { realm: 'https://x/token', service: 'reg', scope: 'a:b:c d' } },
    ])
    expect(parseChallenges('Negotiate')).toEqual([{ scheme: 'negotiate', parameters: {} }])
  })

  it('ends on any header, and takes no overlong one', () => {
    expect(parseChallenges(`Basic realm="${'a'.repeat(10_000)}"`)).toEqual([])
    const part = fc.constantFrom('Basic', 'Bearer ', 'realm', '=', '"', ',', ' ', '\\', 'x', 'ä')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
        expect(Array.isArray(parseChallenges(parts.join('')))).toBe(true)
      }),
    )
  })
})

describe('findLogin()', () => {
  const encode = (text: string) => ({ auth: Buffer.from(text).toString('base64') })

  function find(auths: unknown, repository: string) {
    const authFile = join(directory, 'auth.json')
    writeFileSync(authFile, JSON.stringify({ auths }))
    return findLogin({ authFile, configHome: directory, dockerConfigDir: directory }, repository)
  }

  it('takes the most specific namespace', async () => {
    const auths = {
      'reg.example/a': encode('a:1'),
      'reg.example': encode('r:2'),
      'reg.example/a/b': encode('b:3:4'),
    }
    expect(await find(auths, 'reg.example/a/b/c')).toEqual({ username: 'b', password: '3:4' })
    expect(await find(auths, 'reg.example/a/x')).toEqual({ username: 'a', password: '1' })
    expect(await find(auths, 'reg.example/x')).toEqual({ username: 'r', password: '2' })
    expect(await find(auths, 'other.example/a')).toBeUndefined()
    expect(await find(auths, 'reg.example.evil/a')).toBeUndefined()
  })

  it("knows the Hub's old key", async () => {
    expect(await find({ 'https://index.docker.io/v1/': encode('u:p\0\0') }, 'docker.io/library/x')).toEqual({
      username: 'u',
      password: 'p',
    })
    expect(keysFor('docker.io/library/x')).toContain('https://index.docker.io/v1/')
  })

  it('looks into each file in turn, and leaves out what is missing', async () => {
    mkdirSync(join(directory, 'containers'))
    writeFileSync(
      join(directory, 'containers/auth.json'),
      JSON.stringify({ auths: { 'a.example': encode('a:1') } }),
    )
    writeFileSync(join(directory, 'config.json'), JSON.stringify({ auths: { 'b.example': encode('b:2') } }))
    const files = { runtimeDir: join(directory, 'none'), configHome: directory, dockerConfigDir: directory }
    expect((await findLogin(files, 'a.example/x'))?.username).toBe('a')
    expect((await findLogin(files, 'b.example/x'))?.username).toBe('b')
    const only = { ...files, dockerConfigOnly: true }
    expect(await findLogin(only, 'a.example/x')).toBeUndefined()
    expect((await findLogin(only, 'b.example/x'))?.username).toBe('b')
    expect(
      await findLogin({ ...only, dockerConfigDir: join(directory, 'none') }, 'b.example/x'),
    ).toBeUndefined()
  })

  it('says what is wrong with a file that was named', async () => {
    const named = { authFile: join(directory, 'nothing'), configHome: directory, dockerConfigDir: directory }
    await expect(findLogin(named, 'a.example/x')).rejects.toThrow(
      expect.objectContaining({ code: 'AUTH_REQUIRED' }),
    )
    await expect(find({ 'a.example': { auth: '!!!' } }, 'a.example/x')).rejects.toThrow(
      'base64 of USER:PASSWORD',
    )
  })
})

describe('isSameSite()', () => {
  it.each([
    ['registry-1.docker.io', 'auth.docker.io', true],
    ['registry.example.org', 'example.org', true],
    ['a.example.org', 'a.example.org', true],
    ['localhost', 'localhost', true],
    ['a.example.org', 'a.example.net', false],
    ['example.org', 'evilexample.org', false],
    ['a.co.uk', 'b.co.uk', false],
    ['x.a.co.uk', 'y.a.co.uk', true],
    ['10.0.0.1', '10.1.0.1', false],
    ['localhost', 'evil', false],
    ['[::1]', '[::2]', false],
  ])('%s and %s: %s', (a, b, same) => {
    expect(isSameSite(a, b)).toBe(same)
    expect(isSameSite(b, a)).toBe(same)
  })
})

describe('parseRetryAfter() and delayBefore()', () => {
  it('read seconds and dates, and stay within bounds', () => {
    const now = Date.parse('2024-01-01T00:00:00Z')
    expect(parseRetryAfter('5', now)).toBe(5000)
    expect(parseRetryAfter('Mon, 01 Jan 2024 00:00:30 GMT', now)).toBe(30_000)
    expect(parseRetryAfter('Sun, 31 Dec 2023 00:00:00 GMT', now)).toBe(0)
    expect(parseRetryAfter('soon', now)).toBeUndefined()
    expect(delayBefore(DEFAULT_RETRY, 1, new BusyError('x', 1e9))).toBe(DEFAULT_RETRY.maxDelayMs)
    expect([1, 2, 3].map((attempt) => delayBefore(DEFAULT_RETRY, attempt, new Error('x')))).toEqual([
      500, 1000, 2000,
    ])
  })
})

describe('loadTrust()', () => {
  it('takes the authorities and the client certificate of the host', () => {
    mkdirSync(join(directory, 'host:5000'))
    for (const name of ['ca.crt', 'client.cert', 'client.key', 'README']) {
      writeFileSync(join(directory, 'host:5000', name), name)
    }
    writeFileSync(join(directory, 'bundle'), 'bundle')
    const options = { verify: true, certsDirs: [directory], sslCertFile: join(directory, 'bundle') }
    expect(loadTrust(options, 'host:5000')).toEqual({
      verify: true,
      ca: ['bundle', 'ca.crt'],
      cert: 'client.cert',
      key: 'client.key',
    })
    expect(loadTrust(options, 'host')).toEqual({ verify: true, ca: ['bundle'] })
    expect(loadTrust(options, '..')).toEqual({ verify: true, ca: ['bundle'] })
    rmSync(join(directory, 'host:5000/client.key'))
    expect(() => loadTrust(options, 'host:5000')).toThrow('"client.key" is missing')
  })

  it('says that a named directory is missing', () => {
    const options = { verify: true, certsDirs: [], certDir: join(directory, 'nothing') }
    expect(() => loadTrust(options, 'host')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  })
})
