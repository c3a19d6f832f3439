import { defineConfig } from 'vitest/config'

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

/** Tests of the built program by a user without root; each file is a project of its own kind. */
const onHost = [
  { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 60_000 } },
  { test: { name: 'security', include: ['test/security/**/*.test.ts'], testTimeout: 120_000 } },
  { test: { name: 'vm', include: ['test/vm/**/*.test.ts'], testTimeout: 600_000 } },
]

/** `vitest run` runs the unit tests; `vitest run --project e2e` and the others run where they are named. */
const named = process.argv.some((word) => word.startsWith('--project'))

export default defineConfig({ test: { projects: named ? [unit, ...onHost] : [unit] } })
