import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { processesOf } from './support/leftovers.ts'
import { give, openWorld, PATH } from './support/world.ts'

const SCRIPT = fileURLToPath(new URL('../../scripts/test-vm', import.meta.url))
const world = await openWorld({ image: false })
const QEMU = '/usr/bin/qemu-system-x86_64'

/** A directory of programs; those without a text are the host's. */
function programs(name: string, texts: Readonly<Record<string, string | undefined>>): string {
  const directory = world.makeDirectory(name)
  for (const [program, text] of Object.entries(texts)) {
    if (text === undefined) symlinkSync(`/usr/bin/${program}`, `${directory}/${program}`)
    else writeFileSync(`${directory}/${program}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  }
  give(directory)
  return directory
}

/** Everything that is looked for, so that these tests need none of it. */
const TOOLS = { mmdebstrap: 'exit 1', mke2fs: 'exit 1', 'qemu-system-x86_64': 'echo no machine >&2; exit 1' }

/** What stands for the image of a machine. */
function makeImage(): string {
  const image = world.makeDirectory('image')
  for (const file of ['vmlinuz', 'initrd', 'disk']) writeFileSync(`${image}/${file}`, 'no kernel')
  truncateSync(`${image}/disk`, 1024 * 1024)
  give(image)
  return image
}
const image = makeImage()

/** Runs it with a directory of its own for all that it makes; nothing may be left there. */
async function testVm(args: readonly string[], env: Readonly<Record<string, string>>) {
  const parent = world.makeDirectory('parent')
  const ended = await world.command(['/bin/sh', SCRIPT, ...args], {
    env: { BRYO_TEST_PARENT: parent, ...env },
  })
  expect(readdirSync(parent)).toEqual([])
  expect(processesOf(parent)).toEqual([])
  return ended
}

describe.runIf(process.arch === 'x64')('the runner of the virtual machine', () => {
  it('names what is not installed', async () => {
    const bare = programs('bare', { dirname: undefined, uname: undefined })
    expect(await testVm([], { PATH: bare })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no virtual machine without qemu-system-x86_64'),
    })
  })

  it('counts a machine that cannot do it as skipped where a report is asked for, with the reason', async () => {
    const bare = programs('bare-again', { dirname: undefined, uname: undefined })
    const report = `${world.work}/report.json`
    const ended = await testVm([`--report=${report}`], { PATH: bare })
    expect(ended).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('vm: skipped: no virtual machine'),
    })
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ numPendingTests: 1, success: true })
  })

  it('says who can make the image', async () => {
    const path = `${programs('tools', TOOLS)}:${PATH}`
    mkdirSync(`${world.work}/cache`)
    const ended = await testVm(['life'], { PATH: path, BRYO_TEST_CACHE: `${world.work}/cache` })
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('only root can make one') })
  })

  it('says where there is no space', async () => {
    const path = `${programs('full', { ...TOOLS, df: 'echo; echo x 9 9 9 9% /' })}:${PATH}`
    const ended = await testVm(['life'], { PATH: path, BRYO_TEST_VM_IMAGE: image })
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/no space in \S+: 9 MB are free/) })
  })

  it('refuses a word that it does not know', async () => {
    expect(await testVm(['nonsense'], {})).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('usage'),
    })
  })

  it.runIf(existsSync(QEMU))('shows what the machine said that does not boot', async () => {
    const path = `${programs('real', { mmdebstrap: 'exit 1', mke2fs: 'exit 1' })}:${PATH}`
    const ended = await testVm(['life'], { PATH: path, BRYO_TEST_VM_IMAGE: image })
    expect(ended.stderr).toContain('test-vm: the machine did not boot')
    expect(ended.code).toBe(1)
  })

  it('ends a machine that does nothing after its time', async () => {
    const path = `${programs('idle', { ...TOOLS, 'qemu-system-x86_64': 'exec sleep 600' })}:${PATH}`
    const env = { PATH: path, BRYO_TEST_VM_IMAGE: image, BRYO_TEST_VM_MINUTES: '0.01' }
    const ended = await testVm(['life'], env)
    expect(ended.stderr).toContain('the machine was ended after 0.01 minutes')
    expect(ended.stderr).toContain('did not boot')
    expect(ended.code).toBe(1)
  })
})
