import { requireContainer } from '../../storage/container/find.ts'
import { type ContainerRecord, containerDirectory } from '../../storage/container/record.ts'
import { readImage, readImages } from '../../storage/image/images.ts'
import { tryBeginWork, workName } from '../../storage/work.ts'
import type { Engine } from '../engine.ts'
import { type CreateOptions, createContainer } from './create.ts'
import { type ContainerOutline, forkOutlined, type OutlinedFork } from './outline.ts'
import { removeNamed } from './remove.ts'
import type { ContainerRequest } from './request.ts'
import { type StartOptions, startAttached } from './start.ts'
import { storedConfig } from './stored.ts'

/** `run`: makes a container, starts it in the foreground and gives its exit code. */
export async function runContainer(
  engine: Engine,
  request: ContainerRequest,
  options: StartOptions & CreateOptions,
): Promise<number> {
  if (request.replace && request.name !== undefined) removeNamed(engine, request.name)
  using stack = new DisposableStack()
  let fork: OutlinedFork | undefined
  const onOutline = (outline: ContainerOutline) => {
    fork = stack.use(forkOutlined(engine, outline))
  }
  const { draft, config, image } = await createContainer(engine, request, { ...options, onOutline })
  const { record, directory } = draft
  draft.commit()
  const work = record.autoRemove ? draft.work : undefined
  return await startAttached(engine, { record, directory, config, image: image?.config, work, fork }, options)
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

/** `start --attach`: runs a container that exists. */
export async function startExisting(
  engine: Engine,
  name: string,
  options: Omit<StartOptions, 'preservedFds'>,
): Promise<number> {
  const record = requireContainer(engine.store, name)
  const work = record.autoRemove ? tryBeginWork(engine.store, workName('container', record.id)) : undefined
  const config = storedConfig(record)
  const subject = {
    record,
    fork: undefined,
    directory: containerDirectory(engine.store, record.id),
    config,
    image: imageConfig(engine, record),
    work,
  }
  return startAttached(engine, subject, { ...options, preservedFds: 0 })
}

function imageConfig({ store }: Engine, { image }: ContainerRecord) {
  const summary = image && readImages(store).find(({ id }) => id === image.id)
  return summary && readImage(store, summary)?.config
}
