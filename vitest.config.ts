import { defineConfig } from 'vitest/config'
import { PATIENCE } from './test/e2e/support/patience.ts'

const unit = {
  test: {
    name: 'unit',
    // Fuzz tests and deep trees take seconds where other things run beside them.
    testTimeout: 30_000,
    setupFiles: ['test/support/seed.ts'],
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**', 'test/security/**', 'test/vm/**'],
  },
}

/** Facts are waited for by polling. */
const poll = { timeout: 15_000 * PATIENCE }

/** Tests of the built program by a user without root; each file is a project of its own kind. */
const onHost = [
  {
    test: {
      name: 'e2e',
      include: ['test/e2e/**/*.test.ts'],
      testTimeout: 60_000 * PATIENCE,
      hookTimeout: 10_000 * PATIENCE,
      expect: { poll },
    },
  },
  {
    test: {
      name: 'security',
      include: ['test/security/**/*.test.ts'],
      testTimeout: 120_000 * PATIENCE,
      hookTimeout: 10_000 * PATIENCE,
      expect: { poll },
    },
  },
]

/** `vitest run` runs the unit tests; `vitest run --project e2e` and the others run where they are named. */
const named = process.argv.some((word) => word.startsWith('--project'))

export default defineConfig({ test: { projects: named ? [unit, ...onHost] : [unit] } })
