import { BryoError } from '../../base/errors.ts'
import { requireContainer } from '../../storage/container/find.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import { effectiveState, isLive } from '../../storage/container/state.ts'
import { appendEvent } from '../../storage/events.ts'
import type { Engine } from '../engine.ts'
import { containerEvent } from './event.ts'
import { endContainer, signalProcess } from './lifecycle.ts'
import { isUp } from './list.ts'
import { markStopped } from './monitor/stopMark.ts'
import { containerSettings } from './settings.ts'
import { signalNumber } from './signals.ts'
import { stopSettings } from './stopSettings.ts'

export interface StopOptions {
  /** Seconds until it is killed, instead of what it was created with; negative to wait for ever. */
  readonly timeoutSeconds?: number | undefined
  /** Instead of its stop signal. */
  readonly signal?: string | undefined
  readonly onWarning: (text: string) => void
}

/** `stop`: asks a container to end, kills it when it does not, and waits. Nothing where it does not run. */
export function stopContainer(engine: Engine, record: ContainerRecord, options: StopOptions): void {
  const { config, image } = containerSettings(engine, record)
  const settings = stopSettings(config.request, image, options.timeoutSeconds)
  const { timeoutMs } = settings
  const signalName = options.signal ?? settings.signalName
  const wasLive = isLive(effectiveState(engine.store, record.id))
  endContainer(engine, record, {
    signal: signalNumber(signalName),
    signalName,
    timeoutMs,
    onWarning: options.onWarning,
  })
  if (wasLive) appendEvent(engine.store, containerEvent(record, 'stop'))
}

/** Whether who sends this signal wants the container's end; by others (SIGHUP, SIGUSR1) programs are told to reload, rotate, report. */
function isEnding(engine: Engine, record: ContainerRecord, signal: number): boolean {
  const { config, image } = containerSettings(engine, record)
  const stopSignal = config.request.stopSignal ?? image?.stopSignal
  const ending = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGABRT', ...(stopSignal ? [stopSignal] : [])]
  return ending.map(signalNumber).includes(signal)
}

/** `kill`: sends a signal to a container's first process. @throws BryoError INVALID_STATE where it does not run */
export function killContainer(engine: Engine, name: string, signalName: string): void {
  const record = requireContainer(engine.store, name)
  const signal = signalNumber(signalName)
  const state = effectiveState(engine.store, record.id)
  const runs = isUp(state)
  if (runs) {
    if (isEnding(engine, record, signal)) markStopped(engine.store, record.id)
    if (signalProcess(state.process, signal)) {
      appendEvent(engine.store, containerEvent(record, 'kill', { signal: String(signal) }))
      return
    }
  }
  throw new BryoError(
    'INVALID_STATE',
    `can only kill running containers. ${record.id} is in state ${runs ? 'exited' : state.status}: container state improper`,
  )
}
