import type { VmTest } from './support.ts'

/** With the real systemd and journald. */
export const SERVICE_TESTS: readonly VmTest[] = []
