import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { isOwnedBy, runtimeDirectory } from '../../src/base/runtimeDirectory.ts'

const session = mkdtempSync(join(tmpdir(), 'bryo-session-'))
afterAll(() => rmSync(session, { recursive: true }))
const uid = process.getuid?.() ?? 0
const another = uid + 1

describe('runtimeDirectory()', () => {
  it('is that of the session', () => {
    expect(runtimeDirectory({ env: { XDG_RUNTIME_DIR: session }, uid })).toBe(session)
  })

  it("is the usual one where the session's is another user's, or there is none", () => {
    expect(runtimeDirectory({ env: { XDG_RUNTIME_DIR: session }, uid: another })).toBe(`/run/user/${another}`)
    expect(runtimeDirectory({ env: {}, uid })).toBe(`/run/user/${uid}`)
    expect(runtimeDirectory({ env: { XDG_RUNTIME_DIR: '' }, uid })).toBe(`/run/user/${uid}`)
  })

  it('is what was said where that does not exist', () => {
    expect(runtimeDirectory({ env: { XDG_RUNTIME_DIR: `${session}/none` }, uid })).toBe(`${session}/none`)
  })
})

describe('isOwnedBy()', () => {
  it('knows whose a directory is', () => {
    expect(isOwnedBy(session, uid)).toBe(true)
    expect(isOwnedBy(session, another)).toBe(false)
    expect(isOwnedBy(`${session}/none`, uid)).toBe(false)
  })
})
