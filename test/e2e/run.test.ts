import { describeRun } from './cases/run.ts'
import { openWorld } from './support/world.ts'

describeRun(await openWorld())
