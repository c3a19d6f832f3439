import { describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from '../e2e/support/world.ts'
import { NO_PERL, WITH_PERL } from './support/perl.ts'

const world = await openWorld({ unused: NO_PERL !== undefined })
/** prctl(PR_SET_PDEATHSIG, 0), ptrace(PTRACE_TRACEME), and a signal, at which a traced process stops. */
const ATTACK =
  'syscall(157, 1, 0, 0, 0, 0); syscall(101, 0, 0, 0, 0); $| = 1; print "traced"; kill "USR1", $$; sleep 60'

describe.skipIf(NO_PERL !== undefined)(
  `a workload that makes bryo its tracer${NO_PERL ? `: ${NO_PERL}` : ''}`,
  () => {
    it('is not taken for ended, and goes with rm --force', async () => {
      const before = world.listing()
      const flags = ['--name', 'traced', '--network', 'none', ...WITH_PERL]
      const run = world.start(['run', '--rm', ...flags, IMAGE, '/usr/bin/perl', '-e', ATTACK])
      await run.said('traced')
      expect((await world.bryo(['ps', '--format', '{{.Names}} {{.State}}'])).stdout).toBe('traced running\n')
      expect(await world.bryo(['rm', '--force', 'traced'])).toMatchObject({ code: 0 })
      expect(await run.ended).toMatchObject({ code: 137 })
      await world.expectUnchanged(before)
    })
  },
)
