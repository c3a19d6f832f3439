import type { ImageConfig } from '../../../base/image.ts'
import type { ContainerRecord } from '../../../storage/container/record.ts'
import type { ContainerState } from '../../../storage/container/state.ts'
import type { Engine } from '../../engine.ts'
import type { StoredConfig } from '../stored.ts'

/** All that is known about a container, from which the parts of the document are made. */
export interface InspectSubject {
  readonly engine: Engine
  readonly record: ContainerRecord
  readonly config: StoredConfig
  readonly state: ContainerState
  /** undefined where the image is gone, or where there was none. */
  readonly image: ImageConfig | undefined
}
