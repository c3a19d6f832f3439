import type { ContainerRecord } from '../../storage/container/record.ts'
import type { NewEvent } from '../../storage/events.ts'

/** Something that happened to a container. */
export function containerEvent(
  { id, name, image }: ContainerRecord,
  action: string,
  attributes?: NewEvent['attributes'],
): NewEvent {
  return { type: 'container', action, id, name, image: image?.name ?? '', ...(attributes && { attributes }) }
}
