import { BryoError } from '../../base/errors.ts'
import { latestContainer } from '../../engine/container/latest.ts'
import { securityOf } from '../../engine/security/container.ts'
import { type Layer, securityExitCode } from '../../engine/security/layer.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { text, toggle } from '../flags/kinds.ts'
import { formatRows } from '../format/rows.ts'
import { SECURITY_COLUMNS, securityFields } from '../format/securityRow.ts'
import { writeOut } from '../output.ts'
import { printable } from '../report.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER',
  description: [
    'Shows what protects a running container, a line for each layer, as the kernel tells it.',
    'The exit code is 1 where a layer is missing that no option has loosened, else 0.',
  ].join('\n'),
  examples: ['security web', "security --format '{{.Layer}} {{.State}}' web", 'security --format json web'],
  flags: {
    format: text({ help: 'Print as json, or with a Go template' }),
    latest: toggle({ short: 'l', help: 'Take the last created container' }),
    noheading: toggle({ help: 'Leave the headings out' }),
  },
  args: { min: 0, max: 1, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    if (flags.latest === args.length > 0) {
      throw new BryoError(
        'USAGE',
        flags.latest
          ? '--latest and a container cannot be used together'
          : 'you must provide a running container name or id',
      )
    }
    const name = flags.latest ? latestContainer(engine).id : (args[0] ?? '')
    const layers = securityOf(engine, name).map(clean)
    writeOut(
      await formatRows(layers, {
        columns: SECURITY_COLUMNS,
        format: flags.format,
        noHeading: flags.noheading,
        fields: securityFields,
        titles: { By: 'LOOSENED BY' },
        json: securityFields,
        jsonLines: context.program === 'docker',
      }),
    )
    return securityExitCode(layers)
  },
})

/** A process may have named its files and variables as it liked. */
function clean(layer: Layer): Layer {
  return { ...layer, detail: printable(layer.detail.replace(/[\t\n]/g, ' ')) }
}
