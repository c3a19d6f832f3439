import { removeManifestList } from '../../engine/registry/manifestList.ts'
import { pushManifestList } from '../../engine/registry/pushManifestList.ts'
import { defineCommand } from '../command.ts'
import { writeDigestFile } from '../digestFile.ts'
import { engineOf } from '../engine.ts'
import { MANIFEST_PUSH_FLAGS } from '../options/registry.ts'
import { printLine } from '../output.ts'
import { progressOnStderr } from '../progressOnStderr.ts'
import { registrySettings } from '../registrySettings.ts'

export const command = defineCommand({
  usage: '[options] LIST [DESTINATION]',
  description:
    'Sends a manifest list and the images that it names to a registry, and prints its digest there.',
  examples: ['manifest push app:2 registry.example.org/team/app:2', 'manifest push --all=false --rm app:2'],
  flags: MANIFEST_PUSH_FLAGS,
  args: { min: 1, max: 2 },
  run: async ({ flags, args: [list = '', destination], context }) => {
    const engine = engineOf(context)
    using progress = await progressOnStderr({ quiet: flags.quiet, announce: 'Pushing to' })
    const { digest } = await pushManifestList(engine, {
      list,
      destination,
      all: flags.all,
      format: flags.format === 'v2s2' ? 'docker' : flags.format,
      ...registrySettings(flags),
      onProgress: progress.onProgress,
    })
    if (flags.digestfile !== undefined) writeDigestFile(flags.digestfile, context.facts.cwd, digest)
    if (flags.purge || flags.rm) removeManifestList(engine, list)
    if (!flags.quiet) printLine(digest)
    return 0
  },
})
