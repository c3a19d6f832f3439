import { openSync } from 'node:fs'
import { BryoError } from '../../base/errors.ts'
import { rootIds } from '../../base/idmap.ts'
import type { LaunchPlan } from '../../runtime/plan.ts'
import { requireContainer } from '../../storage/container/find.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import { effectiveState, isProcessAlive, type ProcessRef } from '../../storage/container/state.ts'
import { ownFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import { startForkTask } from '../../userns/fork-task.ts'
import { isUp } from '../container/list.ts'
import type { ContainerRequest } from '../container/request.ts'
import { startInRunning } from '../container/rootAccess/running.ts'
import { startTask } from '../container/rootAccess/task.ts'
import { storedConfig } from '../container/stored.ts'
import type { Engine } from '../engine.ts'
import type { SecurityFacts } from './facts.ts'
import { readKernelFacts } from './kernelFacts.ts'
import type { Layer } from './layer.ts'
import { plannedFacts } from './plannedFacts.ts'
import { reportLayers } from './report.ts'
import { readMaxUserNamespaces } from './stage/readLimit.ts'

/**
 * What protects a running container, read back from the kernel: nothing of the container is run, and nothing that bryo once noted is
 * believed but which options were given.
 * @throws BryoError NOT_FOUND, INVALID_STATE
 */
export function securityOf(engine: Engine, name: string): readonly Layer[] {
  const record = requireContainer(engine.store, name)
  const init = runningProcess(engine, record)
  const facts = readKernelFacts(init.pid, maxUserNamespacesOf(init), engine.facts.env)
  // The pid was the container's all the time.
  if (!isProcessAlive(init)) throw notRunning(record, 'exited')
  return reportLayers(facts, storedConfig(record).request)
}

/** What will protect a container that is being started. @param pid of its first process, whose id maps are written */
export function securityOfPlan(pid: number, plan: LaunchPlan, request: ContainerRequest): readonly Layer[] {
  return reportLayers({ ...plannedFacts(pid, plan, request), ...plannedLimit(plan) }, request)
}

/** A user namespace that is shared has its limit already. */
function plannedLimit({ spec, maps }: LaunchPlan): Pick<SecurityFacts, 'maxUserNamespaces'> | undefined {
  const path = spec.linux.namespaces.find(({ type }) => type === 'user')?.path
  if (path === undefined) return undefined
  using user = ownFd(openSync(path, O.rdonly | O.cloexec))
  using task = startTask(
    { what: READ_LIMIT, keepFds: [], work: readMaxUserNamespaces },
    ({ keepFds, main }) => startForkTask({ keepFds, join: { userFd: user.fd, root: rootIds(maps) }, main }),
  )
  return { maxUserNamespaces: task.finish() }
}

const READ_LIMIT = 'read the limit of user namespaces'

function runningProcess({ store }: Engine, record: ContainerRecord): ProcessRef {
  const state = effectiveState(store, record.id)
  if (isUp(state)) return state.process
  throw notRunning(record, state.status)
}

function notRunning({ name }: ContainerRecord, status: string): BryoError {
  return new BryoError(
    'INVALID_STATE',
    `cannot examine container "${name}": it is ${status}, expected running`,
  )
}

function maxUserNamespacesOf(init: ProcessRef): number {
  using task = startInRunning(init, {
    what: READ_LIMIT,
    keepFds: [],
    work: readMaxUserNamespaces,
  })
  return task.finish()
}
