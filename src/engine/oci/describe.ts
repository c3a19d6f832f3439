import { type OciStateDocument, stateDocument } from '../../runtime/oci/state.ts'
import { type OciRecord, statusOf } from './container.ts'

/** The state of the specification, and what runc tells with it. */
export interface DescribedState extends OciStateDocument {
  readonly rootfs: string
  /** RFC 3339. */
  readonly created: string
  /** The uid that made it, as this user namespace sees it. */
  readonly owner: string
}

export function describeState(record: OciRecord): DescribedState {
  const status = statusOf(record)
  const pid = status === 'stopped' ? 0 : (record.process?.pid ?? 0)
  const { rootfs, created, owner } = record
  return { ...stateDocument(record, status, pid), rootfs, created, owner: String(owner) }
}
