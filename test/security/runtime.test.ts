import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { processesOf } from '../e2e/support/leftovers.ts'
import { give, IMAGE, openWorld } from '../e2e/support/world.ts'
import { guardHost } from './support/guard.ts'

const world = await openWorld()
guardHost(world)
const { bryo } = world

/** A directory full of files that a JavaScript runtime could run or read by itself. */
const trap = world.makeDirectory('trap')
const sprung = `${trap}/sprung`
const evil = `require("node:fs").writeFileSync(${JSON.stringify(sprung)}, "sprung")\n`
writeFileSync(`${trap}/evil.js`, evil)
writeFileSync(`${trap}/bunfig.toml`, 'preload = ["./evil.js"]\n[run]\npreload = ["./evil.js"]\n')
for (const name of ['.env', '.env.local', '.env.production', '.env.development']) {
  writeFileSync(`${trap}/${name}`, 'FROM_DOT_ENV=yes\nBRYO_DEBUG=1\n')
}
writeFileSync(
  `${trap}/tsconfig.json`,
  '{ "compilerOptions": { "baseUrl": ".", "paths": { "*": ["./evil.js"] } } }',
)
writeFileSync(`${trap}/package.json`, '{ "type": "module", "imports": { "#*": "./evil.js" } }')
for (const path of [
  'koffi',
  '@koromix/koffi-linux-x64/linux_x64',
  'chalk',
  'build/koffi/linux_x64',
  'linux_x64',
]) {
  for (const parent of [`${trap}/node_modules/${path}`, `${trap}/${path}`]) {
    mkdirSync(parent, { recursive: true })
    writeFileSync(`${parent}/koffi.node`, 'not a library')
    writeFileSync(`${parent}/index.js`, evil)
  }
}
give(trap)
chmodSync(trap, 0o755)

describe('started in a directory of somebody else', () => {
  it.each([['run'], ['ps'], ['images'], ['version']])(
    '%s runs and reads nothing from there',
    async (command) => {
      const args =
        command === 'run' ? ['run', '--rm', '--env-host', '--network', 'none', IMAGE, 'env'] : [command]
      const ended = await bryo(args, { cwd: trap })
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      expect(ended.stdout).not.toContain('FROM_DOT_ENV')
      expect(existsSync(sprung)).toBe(false)
    },
  )
})

describe('variables of the engines', () => {
  it.each([
    ['NODE_OPTIONS', '--require=./evil.js'],
    ['BUN_OPTIONS', '--preload=./evil.js'],
    ['BUN_INSPECT_PRELOAD', './evil.js'],
    ['NODE_PATH', '.'],
    ['LD_LIBRARY_PATH', '/nonexistent'],
  ])('%s of the caller makes it run nothing else', async (name, value) => {
    expect(
      await bryo(['run', '--rm', '--network', 'none', IMAGE, 'true'], { cwd: trap, env: { [name]: value } }),
    ).toMatchObject({ code: 0 })
    expect(existsSync(sprung)).toBe(false)
  })

  it('that the launcher sets reach neither a workload, even with --env-host, nor a helper', async () => {
    const ended = await bryo(['run', '--rm', '--env-host', '--network', 'none', IMAGE, 'env'])
    expect(ended.stdout).not.toMatch(/BUN_|BRYO_ARGV0|JSC/)
    const run = world.start(['run', '--rm', '--init', IMAGE, 'sh', '-c', 'echo up; sleep 100'])
    await run.said('up')
    for (const { pid, command } of processesOf(world.directory)) {
      if (/slirp4netns|fuse-overlayfs|catatonit/.test(command))
        expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('BUN_JSC')
    }
    run.kill('SIGTERM')
    expect((await run.ended).stdout).not.toContain('BUN_JSC')
  })
})
