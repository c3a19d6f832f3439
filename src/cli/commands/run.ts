import { BryoError } from '../../base/errors.ts'
import { runContainer } from '../../engine/container/run.ts'
import type { StartOptions } from '../../engine/container/start.ts'
import { isTerminal } from '../../syscall/tty.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import type { FlagValues } from '../flags/flag.ts'
import { DETACH_KEYS } from '../options/attach.ts'
import { RUN_FLAGS } from '../options/create.ts'
import { printLine, printWarning, writeErr } from '../output.ts'
import { preservedFds } from '../preservedFds.ts'
import { containerRequest, registryLogin } from '../runOptions.ts'

const OUTPUTS = ['stdout', 'stderr'] as const

export const command = defineCommand({
  usage: '[options] IMAGE [COMMAND [ARG...]]',
  description:
    "Makes a container from an image and runs a command in it, in the foreground, or with --detach in the background. The exit code is the command's; 125 where bryo failed, 126 where the command cannot be executed, 127 where it was not found.",
  examples: [
    'run --rm -it alpine sh',
    'run --rm -v "$PWD:/w" -w /w node:24 node app.js',
    'run -d --name web -p 8080:80 nginx',
  ],
  flags: RUN_FLAGS,
  args: { min: 1, completion: { kind: 'names', of: ['images'] } },
  interspersed: false,
  run: async ({ flags, args, context }) => {
    const preserved = preservedFds(flags)
    const request = {
      ...containerRequest(flags, args, context.facts),
      ...(preserved.length > 0 && { preserveFds: preserved.length }),
      ...(flags.rmi && removingImage(flags)),
    }
    if (!flags.detach && flags.tty && flags.interactive && !isTerminal(0)) {
      printWarning('the input device is not a TTY: --tty and --interactive might not work as expected')
    }
    const { interactive, tty } = request
    const { attach } = flags
    if (flags.detach && attach.length > 0)
      throw new BryoError('USAGE', 'the options --attach and --detach cannot be used together')
    const silent = attach.length === 0 ? [] : OUTPUTS.filter((name) => !attach.includes(name))
    const attachInput = interactive && (attach.length === 0 || attach.includes('stdin'))
    const signalProxy = flags.sigProxy && !tty
    const detachKeys = flags.detachKeys ?? DETACH_KEYS
    const end = await runContainer(engineOf(context), request, {
      signalProxy,
      preservedFds: preserved,
      interactive,
      onWarning: printWarning,
      registry: registryLogin(flags),
      ...(flags.securityReport && { onPlanned: await securityReporter() }),
      attach: flags.detach
        ? undefined
        : { interactive: attachInput, signalProxy, silent, detachKeys: tty ? detachKeys : new Uint8Array() },
    })
    if (end.kind === 'background') printLine(end.id)
    return end.kind === 'exited' ? end.exitCode : 0
  },
})

/** `--rmi` removes the container, without which its image can go. @throws BryoError USAGE */
function removingImage({ rm, restart }: Pick<FlagValues<typeof RUN_FLAGS>, 'rm' | 'restart'>) {
  if (restart !== undefined && restart.name !== 'no')
    throw new BryoError('USAGE', 'cannot use --rmi with --restart')
  if (rm === false) throw new BryoError('USAGE', 'cannot use --rmi with --rm=false')
  return { autoRemove: true, removeImage: true } as const
}

/** Prints what will protect a container, while its first process waits for the word to go on. */
async function securityReporter(): Promise<NonNullable<StartOptions['onPlanned']>> {
  const [{ securityOfPlan }, { securityTable }] = await Promise.all([
    import('../../engine/security/container.ts'),
    import('../format/securityRow.ts'),
  ])
  return (pid, plan, request) => writeErr(securityTable(securityOfPlan(pid, plan, request)))
}
