import { bootstrapImage } from '../../engine/image/bootstrap.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { IMAGE_BOOTSTRAP_FLAGS } from '../options/imageBootstrap.ts'
import { printLine } from '../output.ts'

export const command = defineCommand({
  usage: '[options] debian:SUITE|ubuntu:SUITE|busybox|ARCHIVE [NAME]',
  description:
    'Makes a base image without any registry: from a mirror of packages, of the busybox of this host, or of a tar archive; prints its id.',
  examples: [
    'image bootstrap debian:bookworm',
    'image bootstrap --include ca-certificates,curl debian:trixie-slim tools',
    'image bootstrap busybox',
  ],
  flags: IMAGE_BOOTSTRAP_FLAGS,
  args: { min: 1, max: 2, completion: { kind: 'files' } },
  run: async ({ flags, args: [what = '', name], context }) => {
    const { id } = await bootstrapImage(engineOf(context), {
      what,
      name,
      mirror: flags.mirror,
      keyring: flags.keyring,
      include: flags.include,
      variant: flags.variant,
      changes: flags.change,
      quiet: flags.quiet,
      now: Date.now(),
    })
    printLine(id)
    return 0
  },
})
