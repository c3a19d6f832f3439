import { BryoError } from '../../base/errors.ts'
import { defineCommand } from '../command.ts'
import { completionScript, SHELLS } from '../completion/scripts.ts'
import { text, toggle } from '../flags/kinds.ts'
import { writeOut } from '../output.ts'

export const command = defineCommand({
  usage: '[options] {bash|zsh|fish}',
  description: [
    'Prints a script that completes commands, options and names in your shell.',
    'bash: source it from ~/.bashrc; zsh: save it as _bryo in a directory of $fpath;',
    'fish: save it as ~/.config/fish/completions/bryo.fish.',
  ].join('\n'),
  examples: ['completion bash > ~/.local/share/bash-completion/completions/bryo'],
  flags: {
    file: text({ short: 'f', help: 'Write to this file', completion: { kind: 'files' } }),
    'no-desc': toggle({ help: 'Complete without descriptions' }),
  },
  args: { min: 1, max: 1, completion: { kind: 'values', values: SHELLS } },
  run: async ({ flags, args, context }) => {
    const shell = SHELLS.find((known) => known === args[0])
    if (shell === undefined) {
      throw new BryoError('USAGE', `unknown shell "${args[0]}", expected one of ${SHELLS.join(', ')}`)
    }
    const script = completionScript(shell, context.program, { descriptions: !flags.noDesc })
    if (flags.file === undefined) writeOut(script)
    else (await import('../outputArchive.ts')).writeText(flags.file, context.facts.cwd, script)
    return 0
  },
})
