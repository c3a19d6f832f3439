import { BryoError } from '../../base/errors.ts'
import { latestContainer } from '../../engine/container/latest.ts'
import { attachToRunning } from '../../engine/container/monitor/attach.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { DETACH_KEYS } from '../options/attach.ts'
import { ATTACH_FLAGS } from '../options/life.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER',
  description:
    "Connects standard input, output and error with those of a running container, until it ends or the detach keys are typed. The exit code is the container's, 0 after detaching.",
  examples: ['attach web', 'attach --no-stdin web'],
  flags: ATTACH_FLAGS,
  args: { min: 0, max: 1, completion: { kind: 'names', of: ['containers'] } },
  run: ({ flags, args, context }) => {
    const engine = engineOf(context)
    const name = flags.latest ? latestContainer(engine).id : args[0]
    if (name === undefined)
      throw new BryoError('USAGE', 'attach requires the name or id of one running container')
    const end = attachToRunning(engine, name, {
      interactive: !flags.noStdin,
      signalProxy: flags.sigProxy,
      detachKeys: flags.detachKeys ?? DETACH_KEYS,
    })
    return end.kind === 'exited' ? end.exitCode : 0
  },
})
