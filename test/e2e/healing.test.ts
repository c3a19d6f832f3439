import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Started } from './support/command.ts'
import { give, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo, dataRoot, runRoot } = world
const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
const STARTED_AT = '2026-01-02T03:04:05.678Z'

async function ok(args: readonly string[], input?: string): Promise<string> {
  const ended = await bryo(args, input === undefined ? {} : { input })
  expect(ended, `${args.join(' ')}: ${ended.stderr}`).toMatchObject({ code: 0 })
  return ended.stdout.replace(/\n$/, '')
}

/** A process as states name it. @see proc_pid_stat(5) */
function processRef(pid: number) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return { pid, startTime, bootId }
}

const statePath = (id: string) => join(dataRoot, 'containers', id, 'state.json')

function forgeState(id: string, state: unknown): void {
  writeFileSync(statePath(id), typeof state === 'string' ? state : JSON.stringify(state), { mode: 0o600 })
  give(statePath(id))
}

const gone = { pid: 2 ** 22 - 1, startTime: '1', bootId }
const alive = () => processRef(process.pid)
const running = (process_: unknown, more: object = {}) => ({
  status: 'running',
  process: process_,
  startedAt: STARTED_AT,
  ...more,
})

afterEach(async () => {
  await ok(['rm', '--all', '--force'])
  expect(await ok(['system', 'check'])).toBe('')
})

/** What each command says of a container that ended unseen. */
async function expectEnded(id: string): Promise<void> {
  expect(await ok(['ps', '-q', '--no-trunc'])).toBe('')
  expect(await ok(['ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.State}} {{.Status}}'])).toMatch(
    new RegExp(`^${id} exited Exited \\(unknown\\)`),
  )
  const format = '{{.State.Status}} {{.State.Running}} {{.State.Pid}}'
  expect(await ok(['inspect', '--format', format, id])).toBe('exited false 0')
  const executed = await bryo(['exec', id, 'true'])
  expect(executed.code).toBe(125)
  expect(executed.stderr).toMatch(/not running|expected running|is exited/)
  expect(await ok(['container', 'exists', id])).toBe('')
}

describe('a container whose state is older than the boot', () => {
  it('has ended, although its pid is in use and its runtime directory is wiped; it can be started', async () => {
    const id = await ok(['create', '--name', 'rebooted', '-v', 'data:/data', IMAGE, 'sh', '-c', 'echo again'])
    forgeState(
      id,
      running(
        { ...alive(), bootId: '00000000-0000-0000-0000-000000000000' },
        { monitor: { ...alive(), bootId: 'x' } },
      ),
    )
    rmSync(runRoot, { recursive: true, force: true })
    await expectEnded(id)
    expect(await ok(['start', '-a', 'rebooted'])).toBe('again')
    expect(await ok(['inspect', '--format', '{{.State.ExitCode}}', id])).toBe('0')
  })

  it('can be removed without force, and takes its anonymous volume along', async () => {
    const id = await ok(['create', '-v', '/data', IMAGE, 'true'])
    forgeState(id, running({ ...alive(), bootId: 'x' }))
    expect(readdirSync(join(dataRoot, 'volumes'))).toHaveLength(
      1 + Number(existsSync(join(dataRoot, 'volumes/data'))),
    )
    expect(await ok(['rm', '--volumes', id])).toBe(id)
    expect(readdirSync(join(dataRoot, 'volumes')).filter((name) => name !== 'data')).toEqual([])
  })
})

describe('a container whose first process is gone', () => {
  it.each([
    ['ended', () => running(gone)],
    ['ended while it was paused', () => ({ ...running(gone), status: 'paused' })],
    ['ended while it was stopping', () => ({ ...running(gone), status: 'stopping' })],
    ['left its pid to another process', () => running({ ...alive(), startTime: '1' })],
    ['ended with its monitor', () => running(gone, { monitor: gone })],
    [
      'was about to be started again by a monitor that is gone',
      () => ({ status: 'exited', startedAt: STARTED_AT, restarting: gone }),
    ],
  ])('is known to have ended: it %s', async (_, state) => {
    const id = await ok(['create', IMAGE, 'echo', 'works'])
    forgeState(id, state())
    await expectEnded(id)
    expect(await ok(['start', '-a', id])).toBe('works')
  })

  it('is stopping as long as its monitor has not noted the end', async () => {
    const id = await ok(['create', IMAGE, 'true'])
    forgeState(id, running(gone, { monitor: alive() }))
    expect(await ok(['ps', '--format', '{{.State}}'])).toBe('stopping')
    // For ten seconds it is expected to do so.
    expect((await bryo(['start', id])).stderr).toContain('it is stopping')
    forgeState(id, { status: 'created' })
  })

  it('has its end written down by migrate', async () => {
    const id = await ok(['create', '--name', 'noted', IMAGE, 'true'])
    forgeState(id, running(gone))
    expect(await ok(['system', 'migrate'])).toMatch(/^noted the end of container noted\n/)
    expect(JSON.parse(readFileSync(statePath(id), 'utf8'))).toEqual({
      status: 'exited',
      startedAt: STARTED_AT,
    })
  })
})

describe('a state that a power cut has spoilt', () => {
  it.each([
    ['empty', ''],
    ['cut', '{"status":"running","proc'],
    ['of another form', '{"status":"running"}'],
  ])('counts as ended: it is %s', async (_, text) => {
    const id = await ok(['create', IMAGE, 'echo', 'works'])
    const other = await ok(['create', IMAGE, 'true'])
    forgeState(id, text)
    expect((await ok(['ps', '-a', '--no-trunc', '--format', '{{.ID}}'])).split('\n').toSorted()).toEqual(
      [id, other].toSorted(),
    )
    expect(await ok(['start', '-a', id])).toBe('works')
  })
})

describe('a damaged record', () => {
  it("stands in no other container's way", async () => {
    const id = await ok(['create', '--name', 'broken', IMAGE, 'true'])
    const other = await ok(['create', '--name', 'sound', IMAGE, 'echo', 'works'])
    const record = join(dataRoot, 'containers', id, 'container.json')
    const text = readFileSync(record)
    truncateSync(record, 100)
    expect(await ok(['ps', '-aq', '--no-trunc'])).toBe(other)
    expect(await ok(['start', '-a', 'sound'])).toBe('works')
    const failed = await bryo(['inspect', 'broken'])
    expect(failed).toMatchObject({ code: 125, stderr: expect.stringContaining('bryo system check --repair') })
    // Nobody knows what it uses: nothing is pruned meanwhile.
    expect((await bryo(['system', 'prune', '-af', '--volumes'])).code).toBe(125)
    expect(await ok(['images', '-q'])).not.toBe('')
    writeFileSync(record, text)
  })
})

describe('what a killed command has left of a container', () => {
  it('is removed by the next command that changes something: a directory without a record, a name', async () => {
    const id = 'ab'.repeat(32)
    for (const path of [join(dataRoot, 'containers', id), join(runRoot, 'containers', id)]) {
      mkdirSync(path, { recursive: true })
      give(path)
    }
    give(runRoot)
    symlinkSync(id, join(dataRoot, 'names/ghost'))
    const pending = join(dataRoot, 'pending', `container-${id}`)
    writeFileSync(pending, '')
    give(pending)
    expect(await ok(['ps', '-aq'])).toBe('')
    expect(await ok(['create', '--name', 'ghost', IMAGE, 'true'])).toMatch(/^[0-9a-f]{64}$/)
    for (const path of [pending, join(dataRoot, 'containers', id), join(runRoot, 'containers', id)]) {
      expect(existsSync(path)).toBe(false)
    }
  })

  it('is not listed where it was to be removed at its end, and goes with its volumes', async () => {
    const command: Started = world.start([
      'run',
      '--rm',
      '-i',
      '-v',
      '/data',
      '--name',
      'killed',
      IMAGE,
      'sh',
      '-c',
      'echo up; cat',
    ])
    await command.said('up')
    const [id = ''] = (await ok(['ps', '-q', '--no-trunc'])).split('\n')
    command.kill('SIGKILL')
    await command.ended
    await expect.poll(() => ok(['ps', '-a', '--format', '{{.State}}'])).toBe('')
    expect(existsSync(join(dataRoot, 'containers', id))).toBe(true)
    await ok(['create', '--name', 'killed', IMAGE, 'true'])
    expect(existsSync(join(dataRoot, 'containers', id))).toBe(false)
    expect(readdirSync(join(dataRoot, 'volumes')).filter((name) => name.length === 64)).toEqual([])
  })
})

describe('a detached container', () => {
  const pidOf = async (field: string) =>
    Number(await ok(['inspect', '--format', `{{.State.${field}}}`, 'daemon']))

  it('whose monitor is killed ends with it, and every command knows', async () => {
    const id = await ok(['run', '-d', '--name', 'daemon', IMAGE, 'sleep', '1000'])
    const state = JSON.parse(readFileSync(statePath(id), 'utf8'))
    process.kill(state.monitor.pid, 'SIGKILL')
    await expect.poll(() => ok(['ps', '-q'])).toBe('')
    await expectEnded(id)
    expect(existsSync(`/proc/${state.process.pid}/exe`)).toBe(false)
    await ok(['start', 'daemon'])
    expect(await pidOf('Pid')).toBeGreaterThan(1)
  })

  it('whose first process is killed has the exit code that says so', async () => {
    await ok(['run', '-d', '--name', 'daemon', IMAGE, 'sleep', '1000'])
    process.kill(await pidOf('Pid'), 'SIGKILL')
    await expect
      .poll(() => ok(['inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'daemon']))
      .toBe('exited 137')
  })

  it('survives the loss of its runtime directory', async () => {
    const id = await ok(['run', '-d', '--name', 'daemon', IMAGE, 'sleep', '1000'])
    rmSync(join(runRoot, 'containers', id), { recursive: true, force: true })
    expect(await ok(['ps', '-q', '--no-trunc'])).toBe(id)
    expect(await ok(['exec', 'daemon', 'echo', 'inside'])).toBe('inside')
    expect(await ok(['rm', '-f', 'daemon'])).toBe('daemon')
  })
})
