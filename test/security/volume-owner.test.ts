import { lstatSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TEST_USER } from '../e2e/support/user.ts'
import { give, IMAGE, openWorld } from '../e2e/support/world.ts'
import { startAttacker } from './support/attacker.ts'
import { guardHost } from './support/guard.ts'

const world = await openWorld()
guardHost(world)
const ATTEMPTS = 30

const FILES = 300

/** Keeps a tree of directories, each of which is a link to the target now and then. */
function swapMany(target: string): string {
  return [
    `cd /v; for i in 1 2 3; do mkdir -p d$i; j=0; while [ $j -lt ${FILES} ]; do : > d$i/$j; j=$((j+1)); done; done`,
    `while :; do for i in 1 2 3; do mv d$i .old; ln -s ${target} d$i; rm d$i; mv .old d$i; done; done`,
  ].join('\n')
}

describe('a volume that is given to the container’s user, while another container swaps its directories', () => {
  it(`changes the owner of nothing else, in ${ATTEMPTS} starts`, async () => {
    const other = world.makeDirectory('other')
    for (let file = 0; file < FILES; file++) writeFileSync(join(other, `${file}`), '')
    give(other)
    const attacker = await startAttacker(world, ['-v', 'race:/v'], swapMany('/other'))
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const flags = [
          '-v',
          `${other}:/other`,
          '-v',
          'race:/data/volume:U',
          '--user',
          attempt % 2 === 0 ? '1000' : '1001',
        ]
        const ended = await world.bryo(['run', '--rm', '--network', 'none', ...flags, IMAGE, 'true'])
        expect([0, 125]).toContain(ended.code)
        expect(ended.stderr).not.toContain('a fault of bryo itself')
        for (const path of readdirSync(other).map((name) => join(other, name)))
          expect(`${path} ${lstatSync(path).uid}`).toBe(`${path} ${TEST_USER.uid}`)
      }
    } finally {
      await attacker.stop()
    }
  })
})
