import { execById } from '../../../engine/oci/exec.ts'
import { waitForProgram } from '../../../engine/oci/wait.ts'
import { count, list, many, text, toggle, value } from '../../flags/kinds.ts'
import { defineOciCommand } from '../command.ts'

export const execCommand = defineOciCommand({
  name: 'exec',
  usage: '[options] ID [PROGRAM [ARG...]]',
  summary: 'Run a program in a running container',
  flags: {
    'additional-gids': many({
      short: 'g',
      placeholder: 'gid',
      help: 'Add a supplementary group',
      parse: parseId,
    }),
    cap: list({ short: 'c', help: 'Add a capability', placeholder: 'string' }),
    'console-socket': text({
      help: 'Socket that receives the master end of the terminal',
      completion: { kind: 'files' },
    }),
    cwd: text({ help: 'Working directory in the container' }),
    detach: toggle({ short: 'd', help: 'Do not wait for the program' }),
    env: list({ short: 'e', help: 'Add an environment variable', placeholder: 'NAME=value' }),
    'no-new-privs': toggle({ help: 'The program gains no rights by what it executes' }),
    'pid-file': text({ help: 'File for the pid of the program', completion: { kind: 'files' } }),
    'preserve-fds': count({ help: 'Number of descriptors from 3 on that the program keeps' }),
    process: text({
      short: 'p',
      help: 'File with the process section of a configuration',
      completion: { kind: 'files' },
    }),
    tty: toggle({ short: 't', help: 'Give the program a terminal' }),
    user: value({ short: 'u', placeholder: 'uid[:gid]', help: 'Ids of the program', parse: parseUser }),
  },
  args: { min: 1 },
  interspersed: false,
  run: async ({ flags, args, caller }) => {
    const [id = '', ...program] = args
    const { pid, masterFd } = await execById(caller, id, {
      processFile: flags.process,
      args: program,
      terminal: flags.tty,
      env: flags.env,
      cwd: flags.cwd,
      user: flags.user,
      additionalGids: flags.additionalGids,
      capabilities: flags.cap,
      noNewPrivileges: flags.noNewPrivs,
      pidFile: flags.pidFile,
      consoleSocket: flags.consoleSocket,
      preservedFds: flags.preserveFds ?? 0,
      foreground: !flags.detach,
    })
    return flags.detach ? 0 : await waitForProgram(pid, masterFd)
  },
})

function parseId(given: string): number {
  if (!/^\d{1,10}$/.test(given) || Number(given) > 0xfffffffe) throw new Error('expected an id')
  return Number(given)
}

function parseUser(given: string): { readonly uid: number; readonly gid: number | undefined } {
  const [uid = '', gid, ...rest] = given.split(':')
  if (rest.length > 0) throw new Error('expected uid or uid:gid')
  return { uid: parseId(uid), gid: gid === undefined ? undefined : parseId(gid) }
}
