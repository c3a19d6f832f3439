import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { freePort } from './support/server.ts'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

const must = async (...args: readonly string[]): Promise<string> => {
  const ended = await bryo(args)
  expect(ended, `${args.join(' ')}: ${ended.stderr}`).toMatchObject({ code: 0 })
  return ended.stdout
}
const becomes = async (template: string, value: string | RegExp): Promise<void> => {
  await expect
    .poll(async () => (await must('inspect', '--format', template, 'service')).trim())
    .toMatch(value)
}

const page = async (port: number): Promise<string | undefined> => {
  try {
    return await (await fetch(`http://127.0.0.1:${port}/page`)).text()
  } catch {
    // It is between two starts.
    return undefined
  }
}

afterAll(async () => {
  await bryo(['rm', '--all', '--force'])
})

it('a service restarts on failure, is healthy, logs, is entered, copied from, committed, and run from that again', async () => {
  const port = await freePort()
  const script =
    'mkdir -p /www; echo "start $(date +%s)"; httpd -p 80 -h /www; while [ ! -f /fail ]; do sleep 0.1; done; rm /fail; exit 3'
  const health = [
    '--health-cmd',
    'wget -q -O /dev/null http://127.0.0.1/page',
    '--health-interval',
    '200ms',
    '--health-retries',
    '1',
  ]
  const publish = ['-p', `127.0.0.1:${port}:80`]
  await must(
    'run',
    '-d',
    '--name',
    'service',
    '--restart',
    'on-failure',
    ...health,
    ...publish,
    IMAGE,
    'sh',
    '-c',
    script,
  )

  await becomes('{{.State.Health.Status}}', 'unhealthy')
  await must('exec', 'service', 'sh', '-c', 'echo hello > /www/page')
  await becomes('{{.State.Health.Status}}', 'healthy')
  expect(await page(port)).toBe('hello\n')

  await must('exec', 'service', 'touch', '/fail')
  await becomes('{{.RestartCount}} {{.State.Status}} {{.State.Health.Status}}', '1 running healthy')
  expect((await must('logs', 'service')).match(/^start \d+$/gm)).toHaveLength(2)
  await expect.poll(() => page(port)).toBe('hello\n')

  await must('cp', 'service:/www/page', join(world.work, 'copied'))
  expect(readFileSync(join(world.work, 'copied'), 'utf8')).toBe('hello\n')
  expect(await must('diff', 'service')).toContain('A /www/page')

  await must('commit', '--quiet', '--change', 'CMD ["cat", "/www/page"]', 'service', 'localhost/served:1')
  await must('stop', '--time', '0', 'service')
  expect(await must('run', '--rm', '--network', 'none', 'localhost/served:1')).toBe('hello\n')
  await must('rm', 'service')
  expect(await must('ps', '--all', '--quiet')).toBe('')
})
