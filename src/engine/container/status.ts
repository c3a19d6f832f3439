import { type ContainerState, isProcessAlive } from '../../storage/container/state.ts'

/** The word for a container's state: between two starts of its restart policy it is `restarting`. */
export function statusWord(state: ContainerState): ContainerState['status'] | 'restarting' {
  const awaited = state.status === 'exited' ? state.restarting : undefined
  return awaited && isProcessAlive(awaited) ? 'restarting' : state.status
}
