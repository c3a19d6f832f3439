import type { VmTest } from './support.ts'

/** What control groups hold a container to. */
export const LIMIT_TESTS: readonly VmTest[] = []
