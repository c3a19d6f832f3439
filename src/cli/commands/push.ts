import { writeFileSync } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../../base/errors.ts'
import { pushImage } from '../../engine/image/push.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { PUSH_FLAGS } from '../options/registry.ts'
import { printLine } from '../output.ts'
import { absoluteHostPath } from '../parse/path.ts'
import { progressOnStderr } from '../progressOnStderr.ts'
import { registrySettings } from '../registrySettings.ts'

export const command = defineCommand({
  usage: '[options] IMAGE [DESTINATION]',
  description:
    'Sends an image to a registry, and prints its digest there. Without DESTINATION it goes where its name says.',
  examples: [
    'push registry.example.org/team/app:2',
    'push app registry.example.org/team/app:2',
    'push --compression-format zstd app docker://registry.example.org/team/app',
  ],
  flags: PUSH_FLAGS,
  absent: {
    'remove-signatures': 'images are pushed without signatures',
    'sign-by': 'images are pushed without signatures',
  },
  args: { min: 1, max: 2, completion: { kind: 'names', of: ['images'] } },
  run: async ({ flags, args: [image = '', destination], context }) => {
    const engine = engineOf(context)
    using progress = await progressOnStderr({ quiet: flags.quiet, announce: 'Pushing to' })
    const pushed = await pushImage(engine, {
      image,
      destination,
      format: flags.format === 'v2s2' ? 'docker' : flags.format,
      compression: flags.compressionFormat,
      compressionLevel: flags.compressionLevel,
      ...registrySettings(flags),
      onProgress: progress.onProgress,
    })
    if (flags.digestfile !== undefined) writeDigest(flags.digestfile, context.facts.cwd, pushed.digest)
    if (!flags.quiet) printLine(pushed.digest)
    return 0
  },
})

function writeDigest(path: string, cwd: string, digest: string): void {
  try {
    writeFileSync(absoluteHostPath(path, cwd), digest)
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR', 'ENOSPC', 'EROFS')) throw cause
    throw new BryoError('USAGE', `cannot write digest to "${path}": ${messageOf(cause)}`, {
      hint: `the image was pushed as ${digest}`,
      cause,
    })
  }
}
