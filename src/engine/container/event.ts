import type { MonitorConfig } from '../../base/monitorConfig.ts'
import { type ContainerRecord, readContainer } from '../../storage/container/record.ts'
import type { NewEvent } from '../../storage/events.ts'
import type { Store } from '../../storage/store.ts'
import { storedConfig } from './stored.ts'

type EventSubject = Pick<ContainerRecord, 'id' | 'name'> & {
  readonly image?: { readonly name: string }
  readonly config?: ContainerRecord['config']
}

/** Something that happened to a container; its labels go with it. */
export function containerEvent(
  { id, name, image, config }: EventSubject,
  action: string,
  more: NewEvent['attributes'] = {},
): NewEvent {
  const labels = config === undefined ? {} : storedConfig({ config }).request.labels
  const attributes = { ...labels, ...more }
  const event = { type: 'container', action, id, name, image: image?.name ?? '' } as const
  return Object.keys(attributes).length === 0 ? event : { ...event, attributes }
}

/** The container of a monitor; as it was when that began, where it is just removed. */
export function monitoredSubject(
  { id, name, imageName }: Pick<MonitorConfig, 'id' | 'name' | 'imageName'>,
  store: Store,
): EventSubject {
  return readContainer(store, id) ?? { id, name, image: { name: imageName } }
}

/** A container has ended. */
export function diedEvent(record: EventSubject, exitCode: number): NewEvent {
  return { ...containerEvent(record, 'died'), exitCode }
}
