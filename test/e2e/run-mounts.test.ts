import { describeMounts } from './cases/mounts.ts'
import { openWorld } from './support/world.ts'

describeMounts(await openWorld())
