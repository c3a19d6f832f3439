import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { foldFlags } from '../../src/cli/flags/fold.ts'
import { scanFlags } from '../../src/cli/flags/scan.ts'
import { CREATE_FLAGS, RUN_FLAGS } from '../../src/cli/options/create.ts'
import { containerRequest } from '../../src/cli/runOptions.ts'
import { EMPTY_REQUEST } from '../support/request.ts'

const cwd = mkdtempSync(join(tmpdir(), 'bryo-cli-'))
afterAll(() => rmSync(cwd, { recursive: true }))
const facts = { cwd, env: { HOME: '/home/ana', LANG: 'C' } }

function request(...argv: readonly string[]) {
  const scan = scanFlags(argv, { flags: CREATE_FLAGS, interspersed: false, hint: '' })
  return containerRequest(foldFlags(CREATE_FLAGS, scan.occurrences, ''), scan.args, facts)
}

describe('containerRequest()', () => {
  it('asks for nothing that was not said', () => {
    expect(request('alpine')).toEqual({ ...EMPTY_REQUEST, image: 'alpine' })
  })

  it('hands everything behind the image to the command', () => {
    expect(request('--rm', 'alpine', 'sh', '-c', '--rm', '--')).toMatchObject({
      image: 'alpine',
      command: ['sh', '-c', '--rm', '--'],
      autoRemove: true,
    })
  })

  it('knows a directory from an image, with its overlay', () => {
    expect(request('--rootfs', 'root', 'sh')).toMatchObject({
      rootfs: { path: join(cwd, 'root'), overlay: false },
      command: ['sh'],
    })
    const overlaid = request('--rootfs', '/srv/root:O')
    expect(overlaid).toMatchObject({ rootfs: { path: '/srv/root', overlay: true } })
    expect(overlaid).not.toHaveProperty('image')
  })

  it('merges the environment of the host, of files and of options, the last one winning', () => {
    writeFileSync(join(cwd, 'env'), 'A=file\nB=file\nLANG\n')
    const { env } = request('--env-file', 'env', '-e', 'A=own', '-e', 'HOME', '-e', 'ABSENT', 'x')
    expect(env).toEqual(['A=own', 'B=file', 'LANG=C', 'HOME=/home/ana'])
    expect(request('--env-host', '-e', 'LANG=de', 'x').env).toEqual(['HOME=/home/ana', 'LANG=de'])
    expect(request('--unsetenv', 'PATH', 'x').unsetEnv).toEqual(['PATH'])
    expect(request('--unsetenv-all', 'x').unsetEnv).toEqual(['*'])
  })

  it('merges the labels of files and of options', () => {
    writeFileSync(join(cwd, 'labels'), 'a=file\nb\n')
    expect(request('--label-file', 'labels', '-l', 'a=own', 'x').labels).toEqual({ a: 'own', b: '' })
  })

  it('keeps the order of mounts within each flag', () => {
    const { mounts } = request(
      '-v',
      'b:/b',
      '-v',
      'a:/a',
      '--tmpfs',
      '/t',
      '--mount',
      'type=tmpfs,dst=/m',
      'x',
    )
    expect(mounts.map(({ target }) => target)).toEqual(['/m', '/b', '/a', '/t'])
  })

  it('says the platform in one way', () => {
    expect(request('--platform', 'linux/arm64', 'x').platform).toBe('linux/arm64')
    expect(request('--arch', 'arm', '--variant', 'v6', 'x').platform).toBe('linux/arm/v6')
    expect(request('--os', 'linux', 'x').platform).toBe(`linux/${process.arch}`)
  })

  it('takes a limit of 0 for none', () => {
    const zeros = ['--memory', '0', '--cpus=0', '--cpu-shares', '0', '--blkio-weight', '0', 'alpine']
    expect(request(...zeros)).toEqual({ ...EMPTY_REQUEST, image: 'alpine' })
    expect(request('--memory', '0', '--cpus', '2', 'alpine').limits).toEqual({ cpus: 2 })
  })

  it('carries limits, namespaces and security as they were said', () => {
    const asked = request(
      ...['--ulimit', 'nofile=5', '--umask', '077', '--shm-size', '1m', '--pids-limit=-1', '-h', 'box'],
      ...[
        '--userns',
        'keep-id',
        '--ipc',
        'host',
        '--cap-drop',
        'ALL,CHOWN',
        '--security-opt',
        'seccomp=unconfined',
      ],
      ...[
        '-p',
        '8080:80,9090:90',
        '-P',
        '--network',
        'none',
        '--stop-signal',
        'int',
        '--entrypoint',
        '',
        'x',
      ],
    )
    expect(asked).toMatchObject({
      ulimits: [{ type: 'RLIMIT_NOFILE', soft: '5', hard: '5' }],
      umask: 0o77,
      shmSize: 1024 ** 2,
      pidsLimit: -1,
      hostname: 'box',
      userns: 'keep-id',
      ipc: 'host',
      capDrop: ['ALL', 'CHOWN'],
      securityOpt: ['seccomp=unconfined'],
      publish: ['8080:80', '9090:90'],
      publishAll: true,
      network: ['none'],
      stopSignal: 'SIGINT',
      entrypoint: [],
    })
  })

  it.each([
    [['--replace', 'x'], 'cannot use --replace without --name'],
    [['--platform', 'a/b', '--arch', 'c', 'x'], 'cannot use --platform with --arch, --os or --variant'],
    [
      ['--rootfs', '--pull', 'never', '/x'],
      'cannot use --rootfs with --pull or --platform: no image is taken',
    ],
    [['--no-hosts', '--add-host', 'a:1.2.3.4', 'x'], 'cannot use --no-hosts with --add-host'],
    [['--userns', 'host', '--uidmap', '0:0:1', 'x'], 'cannot use --userns with --uidmap or --gidmap'],
    [['-v', 'a:/x', '--tmpfs', '/x/', 'x'], '/x: duplicate mount destination'],
    [['-v', 'a/b:/x', 'x'], 'invalid argument "a/b:/x" for "--volume" flag: the volume name "a/b"'],
    [['-e', '=1', 'x'], 'invalid argument "=1" for "--env" flag: expected NAME=value or NAME'],
    [['--env-file', 'absent', 'x'], 'cannot read --env-file "absent": no such file'],
    [['--add-host', 'a', 'x'], 'invalid argument "a" for "--add-host" flag: expected NAME:ADDRESS'],
  ])('refuses %j', (argv, message) => {
    expect(() => request(...argv)).toThrow(message)
  })

  it('shares no letter between two flags', () => {
    const letters = Object.values(RUN_FLAGS).flatMap(({ short }) => short ?? [])
    expect(letters).toEqual([...new Set(letters)])
  })
})
