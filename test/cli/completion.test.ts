import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { offer } from '../../src/cli/completion/complete.ts'
import { completionScript, SHELLS } from '../../src/cli/completion/scripts.ts'

const facts = { uid: 1, gid: 1, env: { HOME: '/dev/null/home' }, cwd: '/', runtimeEnv: {}, debug: false }

async function texts(...words: readonly string[]): Promise<readonly string[]> {
  return (await offer(words, facts)).candidates.map(({ text }) => text)
}

describe('completion', () => {
  it('offers commands with their summaries', async () => {
    const { candidates, directive } = await offer(['imp'], facts)
    expect(candidates).toMatchObject([{ text: 'import', description: expect.stringContaining('tar') }])
    expect(directive).toBe('NoFileComp')
    expect(await texts('image', 'l')).toEqual(['load', 'ls'])
    expect(await texts('help', 'image', 'l')).toEqual(['load', 'ls'])
    expect(await texts('nope', '')).toEqual([])
  })

  it('offers the flags of the command and the global ones', async () => {
    expect(await texts('run', '--pu')).toEqual(['--publish', '--publish-all', '--pull'])
    expect(await texts('run', '-it', '--log-l')).toEqual(['--log-level'])
    expect(await texts('image', 'ls', '--dig')).toEqual(['--digests'])
    expect(await texts('--roo')).toEqual(['--root'])
    expect(await texts('run', '-p')).toContain('-p')
  })

  it('offers the values of a flag, as the next word and behind =', async () => {
    expect(await texts('run', '--pull', '')).toEqual(['always', 'missing', 'never', 'newer'])
    expect(await texts('run', '--pull=n')).toEqual(['never', 'newer'])
    expect(await texts('--storage-driver', 'f')).toEqual(['fuse-overlayfs'])
    expect(await texts('--root', '/x', 'run', '--ipc', '')).toEqual(['container:', 'host', 'ns:', 'private'])
    expect(await texts('run', '--name', '')).toEqual([])
  })

  it('leaves files and directories to the shell', async () => {
    expect((await offer(['load', '-i', ''], facts)).directive).toBe('Default')
    expect((await offer(['--root', ''], facts)).directive).toBe('FilterDirs')
    expect((await offer(['run', 'alpine', ''], facts)).directive).toBe('Default')
  })

  it('stays on the word where more has to follow', async () => {
    expect((await offer(['run', '--network', 'con'], facts)).directive).toBe('NoSpace')
  })

  it('offers no flags where they belong to the container', async () => {
    expect(await texts('run', 'alpine', '--r')).toEqual([])
    expect(await texts('run', '--', '--r')).toEqual([])
  })

  it('offers nothing where all arguments are there, or the store cannot be read', async () => {
    expect(await texts('completion', 'bash', '')).toEqual([])
    expect(await texts('--root', '/dev/null/x', 'rmi', '')).toEqual([])
  })

  it.each(SHELLS)('ships the script that `bryo completion %s` prints', (shell) => {
    const file = shell === 'zsh' ? '_bryo' : `bryo.${shell}`
    const shipped = readFileSync(new URL(`../../completions/${file}`, import.meta.url), 'utf8')
    expect(shipped).toBe(completionScript(shell, 'bryo', { descriptions: true }))
  })

  it('names the functions of a script by letters that shells allow', () => {
    expect(completionScript('bash', 'my-tool', { descriptions: true })).toContain(
      'complete -o default -F _my_tool_complete my-tool',
    )
  })
})

describe('the script for bash', () => {
  /** Completes a line as bash would call the function, against a program that shows the words it was asked about. */
  function complete(line: string, words: readonly string[], answer: string): readonly string[] {
    const script = `
      compopt() { :; }
      program() { printf '%s\\n' "$@" >&3; printf '%s' "$ANSWER"; }
      ${completionScript('bash', 'program', { descriptions: true })}
      COMP_LINE=$LINE COMP_POINT=\${#LINE} COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      _program_complete 3>&1
      printf '=> %s\\n' "\${COMPREPLY[@]}"
    `
    const run = spawnSync('bash', ['--norc', '-c', script, 'bash', ...words], {
      encoding: 'utf8',
      env: { ...process.env, LINE: line, ANSWER: answer },
    })
    expect(run.stderr).toBe('')
    return run.stdout.split('\n').slice(1, -1)
  }

  it('asks about whole words, which bash cuts at = and :', () => {
    const words = ['program', 'run', '--pull', '=', 'al']
    expect(complete('program run --pull=al', words, 'always\n:4\n')).toEqual([
      'run',
      '--pull=al',
      '=> always',
    ])
  })

  it('gives only what is behind the last colon of the word', () => {
    const words = ['program', 'rmi', 'host', ':', '5000/a', ':']
    expect(complete('program rmi host:5000/a:', words, 'host:5000/a:1\nhost:5000/a:2\n:4\n')).toEqual([
      'rmi',
      'host:5000/a:',
      '=> 1',
      '=> 2',
    ])
  })

  it('starts a new word behind a blank', () => {
    expect(complete('program run --name= ', ['program', 'run', '--name', '=', ''], ':4\n')).toEqual([
      'run',
      '--name=',
      '',
      '=> ',
    ])
  })
})
