import type { MonitorConfig, RestartPolicy } from '../../../base/monitorConfig.ts'

export interface EndFacts {
  readonly exitCode: number
  readonly stoppedByUser: boolean
  /** How long the container has run. */
  readonly ranMs: number
}

const FIRST_BACK_OFF_MS = 100
const LONGEST_BACK_OFF_MS = 60_000
/** Who ran so long starts again without delay. */
const STABLE_MS = 10_000

/**
 * Whether a container starts again after its end, and after how many milliseconds; undefined for not. The delay doubles with each
 * restart up to a minute, as Docker's.
 */
export function planRestart(
  {
    restart,
    restartCount,
    backOffMs,
    autoRemove,
  }: Pick<MonitorConfig, 'restart' | 'restartCount' | 'backOffMs' | 'autoRemove'>,
  end: EndFacts,
): number | undefined {
  if (end.stoppedByUser || autoRemove || !wantsRestart(restart, restartCount, end.exitCode)) return undefined
  if (end.ranMs >= STABLE_MS || backOffMs === 0) return FIRST_BACK_OFF_MS
  return Math.min(backOffMs * 2, LONGEST_BACK_OFF_MS)
}

function wantsRestart({ name, maxRetries }: RestartPolicy, restartCount: number, exitCode: number): boolean {
  switch (name) {
    case 'no':
      return false
    case 'always':
    case 'unless-stopped':
      return true
    case 'on-failure':
      return exitCode !== 0 && (maxRetries === 0 || restartCount < maxRetries)
  }
}
