import { requireContainer } from '../../storage/container/find.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import { effectiveState } from '../../storage/container/state.ts'
import type { Engine } from '../engine.ts'
import { type CreateOptions, createContainer } from './create.ts'
import { logOutlives } from './logConfig.ts'
import type { AttachEnd } from './monitor/attach.ts'
import type { MonitoredOptions } from './monitor/start.ts'
import { type ContainerOutline, forkOutlined, type OutlinedFork } from './outline.ts'
import { removeNamed } from './remove.ts'
import { removeOwnImage } from './removeOwnImage.ts'
import type { ContainerRequest } from './request.ts'
import { startRequired } from './requires.ts'
import { directFork, startDirect } from './start.ts'
import { checkStartable, lockStart } from './startLock.ts'
import { awaitTurn } from './startTurn.ts'

/** What a started container's caller learns. */
export type RunEnd =
  | AttachEnd
  /** It runs in the background. */
  | { readonly kind: 'background'; readonly id: string }

/** `run`: makes a container and starts it, in the foreground or (without `attach`) in the background. */
export async function runContainer(
  engine: Engine,
  request: ContainerRequest,
  options: MonitoredOptions & CreateOptions,
): Promise<RunEnd> {
  if (request.replace && request.name !== undefined) removeNamed(engine, request.name)
  // Before this process has forked anything for the container itself.
  await startRequired(engine, request, (name) => startInBackground(engine, name, options))
  using stack = new DisposableStack()
  let fork: OutlinedFork | undefined
  // Nobody could ask for the log of a container that is gone when its client is: it needs no monitor.
  const needsLog = !request.autoRemove || logOutlives(request)
  const isWhole = options.attach !== undefined && (options.attach.silent ?? []).length === 0
  const isDirect = isWhole && !needsLog && !request.tty
  const monitor = isDirect ? undefined : await import('./monitor/start.ts')
  const choice = monitor
    ? monitor.monitoredFork(request.interactive, request.logDriver)
    : directFork(options.interactive)
  const onOutline = (outline: ContainerOutline) => {
    fork = stack.use(forkOutlined(engine, outline, choice))
    // A keeper has yet to make init.
    if (!choice.monitored) fork.beginMaps()
  }
  const { draft, config, image } = await createContainer(engine, request, { ...options, onOutline })
  const { record, directory } = draft
  const work = record.autoRemove ? draft.work : undefined
  const subject = { record, directory, config, image: image?.config, work, fork }
  // From the moment that others may find it, nobody else starts or removes it.
  using starting = work ? undefined : lockStart(engine, record)
  draft.commit()
  if (!monitor) return { kind: 'exited', exitCode: await startDirect(engine, subject, options) }
  const onHandOver = () => starting?.release()
  const end = await monitor.startMonitored(engine, subject, { ...options, onHandOver })
  // The monitor does so too, but nobody waits for it any more.
  if (end?.kind === 'exited') await removeOwnImage(engine, request)
  return end ?? { kind: 'background', id: record.id }
}

/** `create`: the id of a container that `start` will run. */
export async function createOnly(
  engine: Engine,
  request: ContainerRequest,
  options: CreateOptions,
): Promise<string> {
  if (request.replace && request.name !== undefined) removeNamed(engine, request.name)
  const { draft } = await createContainer(engine, request, options)
  draft.commit()
  // With `--rm` it goes after its first end, not after this process's.
  if (draft.record.autoRemove) draft.work.finish()
  return draft.record.id
}

/** `start`: runs a container that exists, in the background or attached. @throws BryoError INVALID_STATE */
export async function startExisting(
  engine: Engine,
  name: string,
  options: Omit<MonitoredOptions, 'preservedFds'>,
): Promise<RunEnd> {
  const record = requireContainer(engine.store, name)
  if (effectiveState(engine.store, record.id).status === 'running')
    return await joinRunning(engine, record, options)
  const { lock, subject, state } = awaitTurn(engine, record)
  try {
    // Others may have started it while this one waited.
    if (state.status === 'running') {
      lock.release()
      return await joinRunning(engine, record, options)
    }
    if (state.status !== 'initialized') checkStartable(record, state)
    await startRequired(engine, subject.config.request, (other) => startInBackground(engine, other, options))
    if (state.status === 'initialized') {
      const { startInitialized } = await import('./monitor/startInitialized.ts')
      const started = startInitialized(engine, subject, { ...options, onStarted: lock.release })
      if (started) return started
      lock.release()
      return await startExisting(engine, record.id, options)
    }
    const { startMonitored } = await import('./monitor/start.ts')
    const end = await startMonitored(engine, subject, {
      ...options,
      preservedFds: [],
      onHandOver: lock.release,
    })
    return end ?? { kind: 'background', id: record.id }
  } finally {
    lock.release()
  }
}

/** `start` of a container that nobody attaches to. @throws BryoError */
export function startInBackground(
  engine: Engine,
  name: string,
  { onWarning }: Pick<MonitoredOptions, 'onWarning'>,
): Promise<RunEnd> {
  return startExisting(engine, name, { signalProxy: false, interactive: false, attach: undefined, onWarning })
}

/** It runs already: there is nothing to start, but maybe somebody to attach. */
async function joinRunning(
  engine: Engine,
  { id }: ContainerRecord,
  { attach }: Pick<MonitoredOptions, 'attach'>,
): Promise<RunEnd> {
  if (!attach) return { kind: 'background', id }
  const { attachToRunning } = await import('./monitor/attach.ts')
  return attachToRunning(engine, id, attach)
}
