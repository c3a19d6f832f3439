import { closeSync } from 'node:fs'
import { BryoError, messageOf } from '../../../base/errors.ts'
import type { MonitorConfig } from '../../../base/monitorConfig.ts'
import { SIGKILL } from '../../../base/signals.ts'
import type { StartFailure } from '../../../monitor/protocol.ts'
import { awaitExecution } from '../../../runtime/execution.ts'
import { tellInit } from '../../../runtime/messages.ts'
import { processRef, writeState } from '../../../storage/container/state.ts'
import { appendEvent } from '../../../storage/events.ts'
import type { Store } from '../../../storage/store.ts'
import { getpid, killIfAlive } from '../../../syscall/process.ts'
import { containerEvent, monitoredSubject } from '../event.ts'

/** The workload of an initialized container, in its monitor. */
export interface HeldWorkload {
  /** Writes that the container runs, and lets the workload run. @returns false where it could not: its init ends */
  readonly release: () => boolean
  /** RFC 3339; undefined where it was not released. */
  startedAt(): string | undefined
  /** Why it could not run. */
  failure(): unknown
}

/** @param controlFd what init waits at */
export function holdWorkload(config: MonitorConfig, store: Store, controlFd: number): HeldWorkload {
  const { id, init, ports, cgroup } = config
  let startedAt: string | undefined
  let failure: unknown
  const run = () => {
    startedAt = new Date().toISOString()
    const monitor = processRef(getpid())
    writeState(store, id, {
      status: 'running',
      process: init,
      ...(monitor && { monitor }),
      startedAt,
      ...(ports.length > 0 && { ports }),
      ...(cgroup !== undefined && { cgroup }),
    })
    tellInit(controlFd, 'proceed')
    awaitExecution(controlFd, init.pid)
    appendEvent(store, containerEvent(monitoredSubject(config, store), 'start'))
  }
  return {
    release: () => {
      try {
        run()
        return true
      } catch (error) {
        failure = error
        killIfAlive(init.pid, SIGKILL)
        return false
      } finally {
        closeSync(controlFd)
      }
    },
    startedAt: () => startedAt,
    failure: () => failure,
  }
}

/** What a client is told. */
export function failureNotice(failure: unknown): StartFailure {
  const hint = failure instanceof BryoError ? failure.hint : undefined
  return { message: messageOf(failure), ...(hint !== undefined && { hint }) }
}
