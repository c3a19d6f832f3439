import { strict as assert } from 'node:assert'
import type { VmTest } from './support.ts'

/** That containers run here at all, and end. */
export const LIFE_TESTS: readonly VmTest[] = [
  {
    name: 'run prints what the container prints',
    run: ({ ok, image }) => {
      assert.equal(ok('run', '--rm', image, 'sh', '-c', 'echo $((40 + 2))'), '42')
    },
  },
  {
    name: 'doctor says what is here',
    run: ({ bryo }) => {
      console.log(bryo('doctor').stdout)
      console.log(
        bryo('run', '--rm', '--network', 'none', 'localhost/busybox', 'cat', '/proc/self/cgroup').stdout,
      )
    },
  },
]
