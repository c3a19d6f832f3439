import { requestedJoins } from '../container/joins.ts'
import type { ContainerRequest } from '../container/request.ts'
import type { NamespaceName, SecurityFacts } from './facts.ts'

/** A namespace that a container shares with others, and the option that says so. */
export interface JoinedNamespace {
  readonly name: NamespaceName
  readonly option: string
}

const NAMES = { user: 'user', network: 'net', pid: 'pid', ipc: 'ipc', uts: 'uts', cgroup: 'cgroup' } as const

/**
 * What a container shares because it was asked to. What was there before the container belongs to no user namespace that was made for
 * it: so the one that it belongs to has been joined with it.
 */
export function joinedNamespaces(
  { ownedNamespaces }: SecurityFacts,
  request: ContainerRequest,
): readonly JoinedNamespace[] {
  const joined = requestedJoins(request).flatMap(({ type, option }) =>
    type === 'mount' ? [] : [{ name: NAMES[type], option }],
  )
  const owned = joined.find(({ name }) => ownedNamespaces.includes(name))
  const named = joined.some(({ name }) => name === 'user')
  return owned && !named ? [{ name: 'user', option: owned.option }, ...joined] : joined
}

/** The option by which a container shares a namespace of others; undefined where it does not. */
export function joinOption(
  facts: SecurityFacts,
  request: ContainerRequest,
  name: NamespaceName,
): string | undefined {
  return joinedNamespaces(facts, request).find((one) => one.name === name)?.option
}
