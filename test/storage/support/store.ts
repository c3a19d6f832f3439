import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { hostPath } from '../../../src/storage/hostPath.ts'
import { openStore, type Store } from '../../../src/storage/store.ts'

const made: string[] = []

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

/** A directory that goes with the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'bryo-test-'))
  made.push(directory)
  return directory
}

export function temporaryStore(): Store {
  const base = temporaryDirectory()
  return openStore({
    dataRoot: hostPath(base, 'data'),
    runRoot: hostPath(base, 'run'),
    uid: process.getuid?.() ?? 0,
  })
}
