import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hostPath } from '../../src/storage/hostPath.ts'
import { resolveStorePaths } from '../../src/storage/paths.ts'
import { openStore } from '../../src/storage/store.ts'
import { temporaryDirectory, temporaryStore } from './support/store.ts'

const uid = process.getuid?.() ?? 0
/** Anybody but root. */
const someone = uid === 0 ? 54321 : uid
const pathsIn = (base: string) => ({
  dataRoot: hostPath(base, 'data'),
  runRoot: hostPath(base, 'run'),
  uid,
})

describe('resolveStorePaths()', () => {
  it('takes the XDG directories', () => {
    const session = temporaryDirectory()
    if (uid === 0) chownSync(session, someone, someone)
    const env = { XDG_DATA_HOME: '/data', XDG_RUNTIME_DIR: session }
    expect(resolveStorePaths({ env, uid: someone })).toEqual({
      dataRoot: '/data/bryo',
      runRoot: `${session}/bryo`,
      uid: someone,
    })
  })

  it("takes the system's directories for root, whatever the environment says", () => {
    const env = { HOME: '/home/me', XDG_DATA_HOME: '/data', XDG_RUNTIME_DIR: temporaryDirectory() }
    expect(resolveStorePaths({ env, uid: 0 })).toEqual({
      dataRoot: '/var/lib/bryo',
      runRoot: '/run/bryo',
      uid: 0,
    })
  })

  it('falls back to the home directory, and to a private runtime directory in the store', () => {
    const found = resolveStorePaths({ env: { HOME: '/home/me', XDG_DATA_HOME: 'relative' }, uid: 54321 })
    expect(found).toMatchObject({
      dataRoot: '/home/me/.local/share/bryo',
      runRoot: '/home/me/.local/share/bryo/run',
    })
  })

  it("ignores another user's runtime directory", () => {
    const env = { HOME: '/home/me', XDG_RUNTIME_DIR: temporaryDirectory() }
    expect(resolveStorePaths({ env, uid: 54321 }).runRoot).toBe('/home/me/.local/share/bryo/run')
  })

  it('prefers the options', () => {
    const found = resolveStorePaths({ dataRoot: '/a/../b', runRoot: '/c', env: {}, uid })
    expect(found).toMatchObject({ dataRoot: '/b', runRoot: '/c' })
  })

  it('says what is missing without a home', () => {
    expect(() => resolveStorePaths({ env: {}, uid: someone })).toThrow(/HOME is not set/)
  })
})

describe('openStore()', () => {
  it('makes a private store and opens it again', () => {
    const base = temporaryDirectory()
    const store = openStore(pathsIn(base))
    expect(openStore(pathsIn(base))).toEqual(store)
    expect(statSync(store.dataRoot).mode & 0o777).toBe(0o700)
    expect(statSync(store.runRoot).mode & 0o777).toBe(0o700)
  })

  it('closes a store that others could enter', () => {
    const store = temporaryStore()
    chmodSync(store.dataRoot, 0o755)
    openStore({ dataRoot: store.dataRoot, runRoot: store.runRoot, uid })
    expect(statSync(store.dataRoot).mode & 0o777).toBe(0o700)
  })

  it("refuses another user's directory", () => {
    const base = temporaryDirectory()
    openStore(pathsIn(base))
    expect(() => openStore({ ...pathsIn(base), uid: uid + 1 })).toThrow(
      expect.objectContaining({ code: 'PERMISSION' }),
    )
  })

  it('refuses a directory that holds other files, and leaves it as it is', () => {
    const base = temporaryDirectory()
    mkdirSync(join(base, 'data'), { mode: 0o700 })
    writeFileSync(join(base, 'data', 'thesis.txt'), '')
    expect(() => openStore(pathsIn(base))).toThrow(/holds "thesis.txt"/)
  })

  it('refuses a store of another format', () => {
    const store = temporaryStore()
    writeFileSync(join(store.dataRoot, 'store.json'), '{"version":99}')
    expect(() => openStore({ dataRoot: store.dataRoot, runRoot: store.runRoot, uid })).toThrow(/format 99/)
  })
})
