import { updateById } from '../../../engine/oci/update.ts'
import type { FlagValues } from '../../flags/flag.ts'
import { integer, text, value } from '../../flags/kinds.ts'
import { parseSize } from '../../parse/size.ts'
import { defineOciCommand } from '../command.ts'

/** -1 for no limit. */
const bytes = (help: string) =>
  value({ placeholder: 'size', help, parse: (given) => (given === '-1' ? -1 : parseSize(given)) })

const FLAGS = {
  resources: text({
    short: 'r',
    placeholder: 'file',
    help: 'File with the resources section of a configuration, - for standard input',
    completion: { kind: 'files' },
  }),
  memory: bytes('Memory'),
  'memory-reservation': bytes('Memory that is left to it when others want it'),
  'memory-swap': bytes('Memory and swap together'),
  'cpu-period': integer({ help: 'Microseconds of a period of processor time' }),
  'cpu-quota': integer({ help: 'Microseconds of each period that it may run' }),
  'cpu-burst': integer({ help: 'Microseconds that it may save up' }),
  'cpu-share': integer({ help: 'Weight of its processor time, 1024 for the usual one' }),
  'cpuset-cpus': text({ help: 'Processors, such as 0-2,4' }),
  'cpuset-mems': text({ help: 'Memory nodes' }),
  'pids-limit': integer({ help: 'Number of processes, -1 for any' }),
  'blkio-weight': integer({ help: 'Weight of its block I/O, 10 to 1000' }),
}

export const updateCommand = defineOciCommand({
  name: 'update',
  usage: '[options] ID',
  summary: 'Hold a container to other limits',
  flags: FLAGS,
  args: { min: 1, max: 1 },
  run: ({ flags, args, caller }) => {
    updateById(caller, args[0] ?? '', { file: flags.resources, resources: resourcesOf(flags) })
    return 0
  },
})

/** In the form of a configuration. */
function resourcesOf(flags: FlagValues<typeof FLAGS>): object {
  return {
    memory: { limit: flags.memory, reservation: flags.memoryReservation, swap: flags.memorySwap },
    cpu: {
      shares: flags.cpuShare,
      quota: flags.cpuQuota,
      period: flags.cpuPeriod,
      burst: flags.cpuBurst,
      cpus: flags.cpusetCpus,
      mems: flags.cpusetMems,
    },
    pids: { limit: flags.pidsLimit },
    blockIO: { weight: flags.blkioWeight },
  }
}
