import { describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

/** All of it with BRYO_TEST_STRESS=1, a sample otherwise. */
const FULL = process.env.BRYO_TEST_STRESS === '1'
const IN_A_ROW = FULL ? 1000 : 60
const AT_ONCE = 8
const TOGETHER = FULL ? 200 : 40

const world = await openWorld()

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

async function runOne(index: number, flags: readonly string[]): Promise<void> {
  const code = index % 50
  const ended = await world.bryo(['run', '--rm', ...flags, IMAGE, 'sh', '-c', `echo ${index}; exit ${code}`])
  expect(ended).toEqual({ code, stdout: `${index}\n`, stderr: '' })
}

describe('many runs', () => {
  it(`${IN_A_ROW} in a row: none fails, nothing is left`, async () => {
    const before = world.listing()
    for (const index of numbers(IN_A_ROW)) await runOne(index, ['--network', 'none'])
    await world.expectUnchanged(before)
  }, 600_000)

  it.each([
    ['without a network', ['--network', 'none']],
    ['with the default network', []],
    ['with a volume that they share', ['-v', 'shared:/srv', '--network', 'none']],
    ['with fuse-overlayfs', ['--storage-driver', 'fuse-overlayfs', '--network', 'none']],
  ])(
    `${TOGETHER}, ${AT_ONCE} at a time, %s: none fails, nothing is left`,
    async (_what, flags) => {
      if (flags.includes('-v')) await world.inside(flags, 'true')
      const before = world.listing()
      const queue = numbers(TOGETHER).values()
      const worker = async () => {
        for (const index of queue) await runOne(index, flags)
      }
      await Promise.all(numbers(AT_ONCE).map(worker))
      await world.expectUnchanged(before)
    },
    600_000,
  )

  it('beside removals and lists: none stands in the way of another', async () => {
    const before = world.listing()
    const lists = async () => {
      for (const _ of numbers(FULL ? 50 : 10))
        expect(await world.bryo(['ps', '-a'])).toMatchObject({ code: 0, stderr: '' })
    }
    const cycles = async (worker: number) => {
      for (const index of numbers(FULL ? 25 : 5)) {
        const name = `c${worker}-${index}`
        expect(
          await world.bryo(['create', '--network', 'none', '--name', name, IMAGE, 'true']),
        ).toMatchObject({ code: 0, stderr: '' })
        expect(await world.bryo(['start', '-a', name])).toMatchObject({ code: 0, stderr: '' })
        expect(await world.bryo(['rm', name])).toMatchObject({ code: 0, stderr: '' })
      }
    }
    await Promise.all([lists(), cycles(1), cycles(2), cycles(3)])
    await world.expectUnchanged(before)
  }, 600_000)
})
