import { isLive } from '../../../storage/container/state.ts'
import { healthDocument, readHealth } from '../healthStatus.ts'
import { isUp } from '../list.ts'
import { statusWord } from '../status.ts'
import type { InspectSubject } from './subject.ts'

const NO_TIME = '0001-01-01T00:00:00Z'

/** `.State` */
export function stateOf({ engine, record, state }: InspectSubject): Readonly<Record<string, unknown>> {
  const live = isLive(state)
  const ended = state.status === 'exited'
  const status = statusWord(state)
  return {
    OciVersion: '1.2.0',
    Status: status,
    Running: isUp(state),
    Paused: status === 'paused',
    Restarting: status === 'restarting',
    OOMKilled: ended && state.oomKilled === true,
    Dead: false,
    Pid: live ? state.process.pid : 0,
    ConmonPid: live ? (state.monitor?.pid ?? 0) : 0,
    // Nobody saw the end of a container whose code is not known.
    ExitCode: ended ? (state.exitCode ?? -1) : 0,
    Error: ended ? (state.error ?? '') : '',
    StartedAt: 'startedAt' in state ? (state.startedAt ?? NO_TIME) : NO_TIME,
    FinishedAt: ended ? (state.finishedAt ?? NO_TIME) : NO_TIME,
    Health: healthOf({ engine, record }),
    CgroupPath: live ? (state.cgroup ?? '').replace(/^\/sys\/fs\/cgroup/, '') : '',
    CheckpointedAt: NO_TIME,
    RestoredAt: NO_TIME,
  }
}

/** null for a container that is not checked. */
function healthOf({ engine, record }: Pick<InspectSubject, 'engine' | 'record'>): unknown {
  const health = readHealth(engine.store, record.id)
  return health === undefined ? null : healthDocument(health)
}
