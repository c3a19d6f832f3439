import { BryoError } from '../../base/errors.ts'
import { execInContainer } from '../../engine/container/exec/exec.ts'
import { latestContainer } from '../../engine/container/latest.ts'
import { readCidfiles } from '../cidfile.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { DETACH_KEYS } from '../options/attach.ts'
import { EXEC_FLAGS } from '../options/life.ts'
import { preservedFds } from '../preservedFds.ts'
import { processEnvironment } from '../processEnvironment.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER COMMAND [ARG...]',
  description:
    "Runs a command in a running container. The exit code is the command's; 125 where bryo failed, 126 where the command cannot be executed, 127 where it was not found.",
  examples: ['exec web ls /etc', 'exec -it web sh', 'exec -u nobody -e LANG=C web env'],
  flags: EXEC_FLAGS,
  args: { min: 1, completion: { kind: 'names', of: ['containers'] } },
  interspersed: false,
  run: async ({ flags, args, context }) => {
    const preserved = preservedFds(flags)
    const engine = engineOf(context)
    const [named] = flags.cidfile === undefined ? [] : readCidfiles([flags.cidfile])
    const chosen = named ?? (flags.latest ? latestContainer(engine).id : undefined)
    const name = chosen ?? args[0] ?? ''
    const command = chosen === undefined ? args.slice(1) : args
    if (command.length === 0) {
      throw new BryoError(
        'USAGE',
        'must provide a non-empty command to start an exec session: invalid argument',
      )
    }
    const { interactive, tty, user, workdir, privileged } = flags
    const request = {
      command,
      env: processEnvironment(flags, context.facts),
      workdir,
      user,
      interactive,
      tty,
      privileged,
      preservedFds: preserved,
    }
    const detachKeys = tty ? (flags.detachKeys ?? DETACH_KEYS) : new Uint8Array()
    const attach = flags.detach ? undefined : { interactive, signalProxy: !tty, detachKeys }
    if (flags.wait !== undefined) {
      const { waitForRunning } = await import('../../engine/container/monitor/condition.ts')
      waitForRunning(engine, name, flags.wait)
    }
    const end = await execInContainer(engine, name, request, attach)
    return end?.kind === 'exited' ? end.exitCode : 0
  },
})
