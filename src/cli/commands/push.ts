import { pushImage } from '../../engine/image/push.ts'
import { findManifestList } from '../../engine/registry/findManifestList.ts'
import { localName } from '../../engine/registry/localName.ts'
import { pushManifestList } from '../../engine/registry/pushManifestList.ts'
import { defineCommand } from '../command.ts'
import { writeDigestFile } from '../digestFile.ts'
import { engineOf } from '../engine.ts'
import { PUSH_FLAGS } from '../options/registry.ts'
import { printLine } from '../output.ts'
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
  args: { min: 1, max: 2, completion: { kind: 'names', of: ['images'] } },
  run: async ({ flags, args: [text = '', destination], context }) => {
    const engine = engineOf(context)
    const image = await localName(engine, text)
    using progress = await progressOnStderr({ quiet: flags.quiet, announce: 'Pushing to' })
    const common = {
      destination,
      format: flags.format === 'v2s2' ? 'docker' : flags.format,
      ...registrySettings(flags),
      onProgress: progress.onProgress,
    } as const
    const pushed = findManifestList(engine.store, image)
      ? await pushManifestList(engine, { ...common, list: image, all: flags.all })
      : await pushImage(engine, {
          ...common,
          image,
          compression: flags.compressionFormat,
          compressionLevel: flags.compressionLevel,
        })
    if (flags.digestfile !== undefined) writeDigestFile(flags.digestfile, context.facts.cwd, pushed.digest)
    if (!flags.quiet) printLine(pushed.digest)
    return 0
  },
})
