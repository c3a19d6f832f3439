import type { IdMaps } from '../../../base/idmap.ts'
import { startInUserNamespace } from '../../../userns/enter.ts'
import type { Engine } from '../../engine.ts'
import { type StageTask, startTask } from './task.ts'

/** Runs work on files whose owners are ids of the maps, as their root, and gives its result. @throws what the work throws */
export function runInMaps<T>(engine: Engine, task: StageTask<T> & { readonly maps: IdMaps }): T {
  using started = startInMaps(engine, task)
  return started.finish()
}

/** As {@link runInMaps}, while this process goes on. */
export function startInMaps<T>(engine: Engine, task: StageTask<T> & { readonly maps: IdMaps }) {
  return startTask(task, (child) =>
    startInUserNamespace({
      ...child,
      maps: task.maps,
      identity: engine.identity(),
      searchPath: engine.facts.env.PATH,
    }),
  )
}
