import type { ProbeResult } from '../../storage/rootfs/probe.ts'

/**
 * `error`: containers do not start, or not with the defaults. `warning`: something is missing or worse than it
 * could be. `skipped`: does not apply to this host.
 */
export type FindingState = 'ok' | 'warning' | 'error' | 'skipped'

export interface Finding {
  /** Stable, for scripts: `subordinate-ids`. */
  readonly id: string
  readonly title: string
  readonly state: FindingState
  /** What was found. */
  readonly detail: string
  /** What to do about it: commands, one a line where possible. */
  readonly fix?: string
}

/** Whoever calls the doctor; a part of the host's facts. */
export interface DoctorFacts {
  readonly uid: number
  readonly gid: number
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where the store is or will be; absolute. */
  readonly dataRoot: string
  /** The executable that forks, which an AppArmor profile has to name. */
  readonly program: string
  /** Tries native overlay in the store, with the removal and renaming of a lower directory. */
  readonly probeOverlay?: (() => ProbeResult) | undefined
}

/** 0 where nothing is wrong; warnings do not count. */
export function doctorExitCode(findings: readonly Finding[]): number {
  return findings.some(({ state }) => state === 'error') ? 1 : 0
}

/** The finding of an outcome that has a fix only where it is not fine. */
export function finding(
  subject: { readonly id: string; readonly title: string },
  state: FindingState,
  detail: string,
  fix?: string,
): Finding {
  return { ...subject, state, detail, ...(fix === undefined ? {} : { fix }) }
}
