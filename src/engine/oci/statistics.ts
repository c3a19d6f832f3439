import { BryoError } from '../../base/errors.ts'
import { readControl, readKeyed } from '../../cgroup/hierarchy.ts'
import { findContainer, statusOf } from './container.ts'
import type { OciCaller } from './create.ts'
import { requireGroup } from './freeze.ts'

/** What a container uses, in the form of runc's `events --stats`: a part is there only where its controller is. */
export interface OciStatistics {
  readonly type: 'stats'
  readonly id: string
  readonly data: {
    /** Nanoseconds. */
    readonly cpu: {
      readonly usage: { readonly total: number; readonly kernel: number; readonly user: number }
    }
    /** Bytes; a limit that is missing is none. */
    readonly memory?: { readonly usage: { readonly usage: number; readonly limit?: number } }
    readonly pids?: { readonly current: number; readonly limit?: number }
  }
}

/** @throws BryoError NOT_FOUND, INVALID_STATE, UNSUPPORTED where it has no control group */
export function statisticsById({ stateRoot }: OciCaller, id: string): OciStatistics {
  const record = findContainer(stateRoot, id)
  const status = statusOf(record)
  if (status === 'stopped' || status === 'creating') {
    throw new BryoError(
      'INVALID_STATE',
      `cannot measure container "${id}": it is ${status}, expected running`,
    )
  }
  return readStatistics(id, requireGroup(record, 'measure'))
}

/** @param directory of its control group */
function readStatistics(id: string, directory: string): OciStatistics {
  const cpu = readKeyed(`${directory}/cpu.stat`)
  const nanoseconds = (key: string) => (cpu.get(key) ?? 0) * 1000
  const number = (file: string): number | undefined => {
    const text = readControl(`${directory}/${file}`)?.trim()
    return text === undefined || text === 'max' ? undefined : Number(text)
  }
  const limited = (limit: number | undefined) => (limit === undefined ? {} : { limit })
  const [memory, processes] = [number('memory.current'), number('pids.current')]
  return {
    type: 'stats',
    id,
    data: {
      cpu: {
        usage: {
          total: nanoseconds('usage_usec'),
          kernel: nanoseconds('system_usec'),
          user: nanoseconds('user_usec'),
        },
      },
      ...(memory !== undefined && { memory: { usage: { usage: memory, ...limited(number('memory.max')) } } }),
      ...(processes !== undefined && { pids: { current: processes, ...limited(number('pids.max')) } }),
    },
  }
}
