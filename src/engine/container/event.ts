import type { ContainerRecord } from '../../storage/container/record.ts'
import type { NewEvent } from '../../storage/events.ts'

type EventSubject = Pick<ContainerRecord, 'id' | 'name'> & { readonly image?: { readonly name: string } }

/** Something that happened to a container. */
export function containerEvent(
  { id, name, image }: EventSubject,
  action: string,
  attributes?: NewEvent['attributes'],
): NewEvent {
  return { type: 'container', action, id, name, image: image?.name ?? '', ...(attributes && { attributes }) }
}

/** A container has ended. */
export function diedEvent(record: EventSubject, exitCode: number): NewEvent {
  return { ...containerEvent(record, 'died'), exitCode }
}
