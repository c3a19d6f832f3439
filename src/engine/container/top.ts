import { BryoError } from '../../base/errors.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { effectiveState, type ProcessRef } from '../../storage/container/state.ts'
import type { Engine } from '../engine.ts'
import { isUp } from './list.ts'
import { type Descriptor, findDescriptor, type ProcessFacts } from './processes/descriptors.ts'
import { containerProcesses, takeSnapshot } from './processes/find.ts'
import { containerNames, hostNames, type IdNames } from './processes/names.ts'
import { type ProcessStat, readCommandLine, readStatus, uptimeSeconds } from './processes/process.ts'

/** A table: headings, then a row for each process. */
export type ProcessTable = readonly (readonly string[])[]

const DEFAULT = ['user', 'pid', 'ppid', 'pcpu', 'etime', 'tty', 'time', 'args']

/** The first process of a running container. @throws BryoError NOT_FOUND, INVALID_STATE */
function runningInit({ store }: Engine, name: string): ProcessRef {
  const record = requireContainer(store, name)
  const state = effectiveState(store, record.id)
  if (isUp(state)) return state.process
  throw new BryoError(
    'INVALID_STATE',
    `cannot list the processes of container "${record.name}": it is ${state.status}, and top can only be used on running containers`,
  )
}

/** The processes of a running container, as the host counts. @throws BryoError NOT_FOUND, INVALID_STATE */
export function processesOf(engine: Engine, name: string): readonly ProcessStat[] {
  return containerProcesses(runningInit(engine, name).pid, takeSnapshot())
}

/** The descriptors that the words name, which commas may part; undefined where one of them is none. */
export function parseDescriptors(words: readonly string[]): readonly Descriptor[] | undefined {
  const names = words.length === 0 ? DEFAULT : words.flatMap((word) => word.split(','))
  const found = names.map(findDescriptor)
  return found.every((one) => one !== undefined) ? found : undefined
}

/** The processes of a container as its own namespace sees them. Nothing of the container is run. */
export async function topTable(
  engine: Engine,
  name: string,
  descriptors: readonly Descriptor[],
): Promise<ProcessTable> {
  const process = runningInit(engine, name)
  const processes = containerProcesses(process.pid, takeSnapshot())
  const [init] = processes
  const facts = init ? factsOf(processes, init, await containerNames(process)) : []
  return [
    descriptors.map(({ heading }) => heading),
    ...facts.map((one) => descriptors.map(({ cell }) => cell(one))),
  ]
}

function factsOf(
  processes: readonly ProcessStat[],
  init: ProcessStat,
  inside: IdNames,
): readonly ProcessFacts[] {
  const statuses = new Map(processes.map(({ hostPid }) => [hostPid, readStatus(hostPid)]))
  const common = {
    inside,
    outside: hostNames(),
    uptime: uptimeSeconds(),
    now: Date.now(),
  }
  // A process has a number in each namespace around it; the container's own stands where init has its last.
  const level = (statuses.get(init.hostPid)?.get('NSpid') ?? '').split('\t').length - 1
  const numberOf = (pid: number, line: string) => statuses.get(pid)?.get(line)?.split('\t')[level]
  return processes.flatMap((stat) => {
    const status = statuses.get(stat.hostPid)
    const pid = numberOf(stat.hostPid, 'NSpid')
    // It has ended meanwhile.
    if (!status || pid === undefined) return []
    return {
      ...common,
      stat,
      status,
      commandLine: readCommandLine(stat.hostPid),
      pid,
      // Parents outside do not exist for the container.
      parent: (stat === init ? undefined : numberOf(stat.hostParent, 'NSpid')) ?? '0',
      group: numberOf(stat.hostPid, 'NSpgid') ?? '0',
    }
  })
}
