/** A user and a group as the host knows them. */
export interface HostIds {
  readonly uid: number
  readonly gid: number
}
