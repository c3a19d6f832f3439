import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { acquireLock, acquireLockWithin, waitForLock } from '../../src/storage/lock.ts'
import { temporaryDirectory } from './support/store.ts'

const tryLock = (path: string, mode: 'exclusive' | 'shared') => acquireLock(path, { mode, wait: false })

describe('acquireLock()', () => {
  it('lets one exclusive holder or many shared ones in', () => {
    const path = join(temporaryDirectory(), 'lock')
    const first = tryLock(path, 'exclusive')
    expect(tryLock(path, 'shared')).toBeUndefined()
    first?.release()
    using shared = tryLock(path, 'shared')
    using alsoShared = tryLock(path, 'shared')
    expect([shared?.path, alsoShared?.path]).toEqual([path, path])
    expect(tryLock(path, 'exclusive')).toBeUndefined()
  })

  it('is released at the end of its scope, once', () => {
    const path = join(temporaryDirectory(), 'lock')
    {
      using lock = tryLock(path, 'exclusive')
      lock?.release()
    }
    expect(tryLock(path, 'exclusive')?.release()).toBeUndefined()
  })

  it('gives up after a while where it may not wait for ever', () => {
    const path = join(temporaryDirectory(), 'lock')
    const first = tryLock(path, 'exclusive')
    expect(acquireLockWithin(path, { mode: 'exclusive', patienceMs: 30 })).toBeUndefined()
    first?.release()
    using second = acquireLockWithin(path, { mode: 'exclusive', patienceMs: 30 })
    expect(second?.path).toBe(path)
  })

  it('locks the file that has the name after the holder removed it', async () => {
    const path = join(temporaryDirectory(), 'lock')
    const first = acquireLock(path, { mode: 'exclusive', wait: true })
    const second = waitForLock(path)
    first.remove()
    const lock = await second
    expect(existsSync(path)).toBe(true)
    expect(tryLock(path, 'exclusive')).toBeUndefined()
    lock.remove()
    expect(existsSync(path)).toBe(false)
  })
})
