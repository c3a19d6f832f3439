import type { LandlockScopes } from '../syscall/landlock.ts'

/**
 * What has to end at a container because the namespace that would end it is the host's; undefined where nothing has to. Abstract unix
 * sockets belong to a network namespace, signals to a pid namespace.
 */
export function scopesOf(shared: {
  readonly network: boolean
  readonly pid: boolean
}): LandlockScopes | undefined {
  return shared.network || shared.pid ? { abstractSockets: shared.network, signals: shared.pid } : undefined
}
