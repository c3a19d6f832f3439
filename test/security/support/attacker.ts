import { expect } from 'vitest'
import { IMAGE, type World } from '../../e2e/support/world.ts'

export interface Attacker {
  readonly name: string
  readonly output: () => string
  readonly stop: () => Promise<void>
}

let started = 0

/** A container without a network that runs a script of shell until it is stopped; it has said `started` already. */
export async function startAttacker(
  world: World,
  flags: readonly string[],
  script: string,
): Promise<Attacker> {
  started += 1
  const name = `attacker-${started}`
  const run = world.start([
    ...['run', '--rm', '--name', name, '--network', 'none', ...flags, IMAGE],
    ...['sh', '-c', `echo started; ${script}`],
  ])
  await run.said('started')
  return {
    name,
    output: run.stdout,
    stop: async () => {
      expect(await world.bryo(['rm', '--force', name])).toMatchObject({ code: 0 })
      await run.ended
    },
  }
}

/** Shell that makes `name` a link to each target and then a directory (or file) again, for ever. */
export function swapForever(
  directory: string,
  name: string,
  targets: readonly string[],
  kind: 'directory' | 'file' = 'directory',
): string {
  const make = kind === 'directory' ? `mkdir ${name}` : `: > ${name}`
  const list = targets.map((target) => `'${target}'`).join(' ')
  // Beside the slow way, renaming: between it and the next look there is no moment without the name.
  return [
    `cd ${directory} || exit 1`,
    `while :; do for t in ${list}; do`,
    `rm -rf ${name} 2>/dev/null; ln -s $t ${name} 2>/dev/null; rm -f ${name} 2>/dev/null; ${make} 2>/dev/null;`,
    `ln -s $t .next 2>/dev/null; rmdir ${name} 2>/dev/null; mv -f .next ${name} 2>/dev/null;`,
    `done; done`,
  ].join('\n')
}
