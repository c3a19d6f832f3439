/** The life of a container, as the specification names its stages; `paused` is for one that runs, held by the freezer. */
export type OciStatus = 'creating' | 'created' | 'running' | 'paused' | 'stopped'

/** What `state` prints and hooks read on standard input. @see https://github.com/opencontainers/runtime-spec/blob/main/runtime.md#state */
export interface OciStateDocument {
  readonly ociVersion: string
  readonly id: string
  readonly status: OciStatus
  /** In the pid namespace of who runs the commands; 0 once it has stopped. */
  readonly pid: number
  readonly bundle: string
  readonly annotations: Readonly<Record<string, string>>
}

/** Who a container is, for its documents. */
export interface OciIdentity {
  readonly ociVersion: string
  readonly id: string
  readonly bundle: string
  readonly annotations: Readonly<Record<string, string>>
}

export function stateDocument(
  { ociVersion, id, bundle, annotations }: OciIdentity,
  status: OciStatus,
  pid: number,
): OciStateDocument {
  return { ociVersion, id, status, pid, bundle, annotations }
}
