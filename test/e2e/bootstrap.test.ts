import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openWorld } from './support/world.ts'

const world = await openWorld({ image: false })
const { bryo } = world
const EPOCH = { SOURCE_DATE_EPOCH: '1700000000' }

describe('bryo image bootstrap', () => {
  it.runIf(existsSync('/bin/busybox'))(
    "busybox makes an image of the host's, the same one each time (skipped without busybox)",
    async () => {
      const first = await bryo(['image', 'bootstrap', 'busybox'], { env: EPOCH })
      expect(first, first.stderr).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^(sha256:)?[0-9a-f]{64}\n$/),
      })
      const again = await bryo(['image', 'bootstrap', 'busybox', 'again:1'], { env: EPOCH })
      expect(again.stdout).toBe(first.stdout)
      const run = [
        'run',
        '--rm',
        '--network',
        'none',
        'localhost/busybox',
        'sh',
        '-c',
        'whoami; stat -c %Y /bin',
      ]
      expect(await bryo(run)).toMatchObject({ code: 0, stdout: 'root\n1700000000\n' })
    },
  )

  it('takes the archive of a root, named after the file', async () => {
    const made = await bryo(['image', 'bootstrap', world.archive], { env: EPOCH })
    expect(made, made.stderr).toMatchObject({ code: 0 })
    expect(await bryo(['image', 'exists', 'localhost/busybox:latest'])).toMatchObject({ code: 0 })
  })

  it('asks only the mirror that was named, and leaves nothing where it fails', async () => {
    const before = world.listing()
    const ended = await bryo([
      'image',
      'bootstrap',
      '-q',
      '--mirror',
      'http://127.0.0.1:1/debian',
      'debian:bookworm',
    ])
    expect(ended.code).toBe(125)
    expect(ended.stderr).toMatch(/mmdebstrap ended with|mmdebstrap is not installed|keys are not at/)
    expect(ended.stderr).not.toMatch(/https?:\/\/(?!127\.0\.0\.1)/)
    await world.expectUnchanged(before)
  })

  it.each([
    ['debian:99', '"99" is no release'],
    ['nothing', 'expected debian:SUITE'],
  ])('refuses %s', async (what, message) => {
    expect(await bryo(['image', 'bootstrap', what])).toMatchObject({
      code: 125,
      stderr: expect.stringContaining(message),
    })
  })
})
