import { bringLoopbackUp } from '../syscall/net.ts'

/** What has to be done inside a new network namespace, by its root, before the workload runs. */
export interface InsideSetup {
  /** False where a helper does it: slirp4netns and pasta set lo up themselves. */
  readonly loopback: boolean
}

/** Runs in the forked process that is in the namespaces; synchronous. @throws SyscallError */
export function setUpInside(setup: InsideSetup): void {
  if (setup.loopback) bringLoopbackUp()
}
