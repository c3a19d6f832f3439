import type { ImageConfig } from '../../base/image.ts'
import type { StopNumbers } from '../../base/monitorConfig.ts'
import { SIGTERM } from '../../base/signals.ts'
import type { ContainerRequest } from './request.ts'
import { signalNumber } from './signals.ts'

export const DEFAULT_STOP_SECONDS = 10

/** How a container is asked to end. */
export interface StopSettings {
  readonly signalName: string
  /** Until it is killed; undefined for never. */
  readonly timeoutMs: number | undefined
}

/** By its options, else as its image says, else as usual. @param seconds instead of what the options say; negative for ever */
export function stopSettings(
  { stopSignal, stopTimeoutSeconds }: Pick<ContainerRequest, 'stopSignal' | 'stopTimeoutSeconds'>,
  image: Pick<ImageConfig, 'stopSignal'> | undefined,
  seconds = stopTimeoutSeconds ?? DEFAULT_STOP_SECONDS,
): StopSettings {
  return {
    signalName: stopSignal ?? image?.stopSignal ?? 'SIGTERM',
    timeoutMs: seconds < 0 ? undefined : seconds * 1000,
  }
}

/** For those who end a container of themselves: its monitor, systemd. */
export function stopNumbers(request: ContainerRequest, image: ImageConfig | undefined): StopNumbers {
  const { signalName, timeoutMs } = stopSettings(request, image)
  return { signal: numberOrTerm(signalName), ...(timeoutMs !== undefined && { timeoutMs }) }
}

/** An image may name anything; `stop` says then what is wrong with it. */
function numberOrTerm(signalName: string): number {
  try {
    return signalNumber(signalName)
  } catch {
    return SIGTERM
  }
}
