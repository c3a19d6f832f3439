import { refused } from '../flags/refused.ts'

/** Why nothing is kept of processes, and nothing started from what was kept. */
export const NO_CHECKPOINT =
  'freezing processes and bringing them back needs rights on the host that no user namespace gives'

const value = (short?: string) => refused(NO_CHECKPOINT, { ...(short !== undefined && { short }) })
const toggle = (short?: string) =>
  refused(NO_CHECKPOINT, { isSwitch: true, ...(short !== undefined && { short }) })

const BOTH_FLAGS = {
  all: toggle('a'),
  'file-locks': toggle(),
  'ignore-rootfs': toggle(),
  'ignore-volumes': toggle(),
  keep: toggle('k'),
  latest: toggle('l'),
  'print-stats': toggle(),
  'tcp-established': toggle(),
}

export const CHECKPOINT_FLAGS = {
  ...BOTH_FLAGS,
  compress: value('c'),
  'create-image': value(),
  export: value('e'),
  'leave-running': toggle('R'),
  'pre-checkpoint': toggle('P'),
  'with-previous': toggle(),
}

export const RESTORE_FLAGS = {
  ...BOTH_FLAGS,
  'ignore-static-ip': toggle(),
  'ignore-static-mac': toggle(),
  import: value('i'),
  'import-previous': value(),
  name: value('n'),
  pod: value(),
  publish: value('p'),
}
