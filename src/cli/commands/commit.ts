import { digestHex } from '../../base/digest.ts'
import { commitContainer } from '../../engine/container/commit/commit.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { COMMIT_FLAGS } from '../options/containerFiles.ts'
import { printLine } from '../output.ts'
import { writeText } from '../outputArchive.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [IMAGE]',
  description:
    'Makes an image of what a container has changed over its own image, and prints its id. Volumes are no part of it.',
  examples: ['commit web web:patched', "commit -c 'CMD [\"nginx\"]' -m 'patched' web web:patched"],
  flags: COMMIT_FLAGS,
  args: { min: 1, max: 2, completion: { kind: 'names', of: ['containers', 'images'] } },
  run: async ({ flags, args, context }) => {
    const [container = '', reference] = args
    const digest = await commitContainer(engineOf(context), {
      container,
      reference,
      changes: flags.change,
      author: flags.author,
      message: flags.message,
      format: flags.format,
      includeVolumes: flags.includeVolumes,
      squash: flags.squash,
      pause: flags.pause,
      created: new Date().toISOString(),
    })
    const id = digestHex(digest)
    if (flags.iidfile !== undefined) writeText(flags.iidfile, context.facts.cwd, id)
    printLine(id)
    return 0
  },
})
