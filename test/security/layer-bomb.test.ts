import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { give, openWorld } from '../e2e/support/world.ts'

const world = await openWorld()
const MIB = 1024 * 1024

/** A tar archive of one file of zeros, compressed a thousandfold. */
function writeBomb(name: string, mebibytes: number): string {
  const header = Buffer.alloc(512)
  header.write('zeros', 0)
  header.write('0000644\0' + '0000000\0' + '0000000\0', 100)
  header.write(`${(mebibytes * MIB).toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        0', 148)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const zeros = gzipSync(Buffer.alloc(16 * MIB))
  const members = Array.from({ length: mebibytes / 16 }, () => zeros)
  const path = join(world.makeDirectory('bombs'), name)
  writeFileSync(path, Buffer.concat([gzipSync(header), ...members, gzipSync(Buffer.alloc(1024))]))
  give(path)
  return path
}

describe('a layer that was made to fill the disk', () => {
  it('is an error where it grows far beyond its size, and leaves nothing', async () => {
    const before = world.listing()
    const ended = await world.bryo(['import', writeBomb('large.tar.gz', 2080), 'localhost/bomb'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toMatch(/^Error: cannot unpack layer: it grows to more than 200 times its size/)
    expect(ended.stderr).toContain('BRYO_LAYER_LIMIT=')
    await world.expectUnchanged(before)
  })

  it('is an error from the limit on that the user has set', async () => {
    const before = world.listing()
    const bomb = writeBomb('small.tar.gz', 64)
    const env = { BRYO_LAYER_LIMIT: '32m' }
    const ended = await world.bryo(['import', bomb, 'localhost/bomb'], { env })
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toMatch(/^Error: cannot unpack layer: it grows to more than 33554432 bytes/)
    await world.expectUnchanged(before)
    expect(await world.bryo(['import', bomb, 'localhost/zeros'])).toMatchObject({ code: 0 })
    expect(await world.bryo(['rmi', 'localhost/zeros'])).toMatchObject({ code: 0 })
    const invalid = await world.bryo(['import', bomb], { env: { BRYO_LAYER_LIMIT: 'much' } })
    expect(invalid.stderr).toMatch(/^Error: invalid BRYO_LAYER_LIMIT "much"/)
  })
})
