import { copyImage } from '../../engine/registry/copy.ts'
import { defineCommand } from '../command.ts'
import { writeDigestFile } from '../digestFile.ts'
import { engineOf } from '../engine.ts'
import { IMAGE_COPY_FLAGS } from '../options/registry.ts'
import { printLine } from '../output.ts'
import { progressOnStderr } from '../progressOnStderr.ts'

export const command = defineCommand({
  usage: '[options] SOURCE DESTINATION',
  description:
    'Copies an image between registries, archives, directories and the store, byte by byte, and prints its digest.',
  examples: [
    'image copy docker://alpine oci:alpine:latest',
    'image copy --all docker://alpine docker://registry.example.org/mirror/alpine',
    'image copy docker-archive:app.tar docker://registry.example.org/app:1',
    'image copy app dir:app',
  ],
  flags: IMAGE_COPY_FLAGS,
  args: { min: 2, max: 2, completion: { kind: 'names', of: ['images'] } },
  run: async ({ flags, args: [from = '', to = ''], context }) => {
    const { authfile, retry, retryDelay, all, platform, quiet } = flags
    const common = { authfile, retry, retryDelayMs: retryDelay }
    using progress = await progressOnStderr({ quiet, announce: 'Copying' })
    const { digest } = await copyImage(engineOf(context), {
      from,
      to,
      fromSettings: {
        ...common,
        certDir: flags.srcCertDir,
        creds: flags.srcCreds,
        tlsVerify: flags.srcTlsVerify,
      },
      toSettings: {
        ...common,
        certDir: flags.destCertDir,
        creds: flags.destCreds,
        tlsVerify: flags.destTlsVerify,
      },
      all,
      platform,
      onProgress: progress.onProgress,
    })
    if (flags.digestfile !== undefined) writeDigestFile(flags.digestfile, context.facts.cwd, digest)
    if (!quiet) printLine(digest)
    return 0
  },
})
