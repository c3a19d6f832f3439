import { describe, expect, it } from 'vitest'
import type { BryoError } from '../../src/base/errors.ts'
import { camelCase } from '../../src/cli/flags/flag.ts'
import { foldFlags } from '../../src/cli/flags/fold.ts'
import {
  choice,
  choiceOr,
  commaList,
  count,
  integer,
  list,
  many,
  text,
  textOr,
  toggle,
  triState,
} from '../../src/cli/flags/kinds.ts'
import { scanFlags } from '../../src/cli/flags/scan.ts'

const FLAGS = {
  interactive: toggle({ short: 'i', help: '' }),
  tty: toggle({ short: 't', help: '' }),
  rm: toggle({ help: '' }),
  'sig-proxy': toggle({ initial: true, help: '' }),
  'tls-verify': triState({ help: '' }),
  name: text({ help: '' }),
  sort: textOr('created', { help: '' }),
  publish: commaList({ short: 'p', help: '' }),
  env: list({ short: 'e', help: '' }),
  last: integer({ short: 'n', help: '' }),
  'preserve-fds': count({ help: '' }),
  pull: choice(['always', 'never'], { help: '' }),
  ipc: choiceOr('private', ['private', 'host'], { help: '' }),
  size: many({
    help: '',
    parse: (given) => {
      if (given === 'bad') throw new Error('expected a size')
      return given.length
    },
  }),
}
const HINT = "See 'bryo run --help'"

function parse(argv: readonly string[], interspersed = true) {
  const scan = scanFlags(argv, { flags: FLAGS, interspersed, hint: HINT })
  return { ...scan, flags: foldFlags(FLAGS, scan.occurrences, HINT) }
}

function failure(argv: readonly string[]): BryoError {
  try {
    parse(argv)
  } catch (error) {
    return error as BryoError
  }
  throw new Error('was accepted')
}

describe('parsing of flags', () => {
  it('takes a value behind = or as the next word', () => {
    expect(parse(['--name=a', '--name', 'b=c']).flags.name).toBe('b=c')
    expect(parse(['--name=']).flags.name).toBe('')
    expect(parse(['--name', '-x']).flags.name).toBe('-x')
    expect(parse(['--name', '--']).flags.name).toBe('--')
  })

  it('takes bundled letters, the last of which may have a value', () => {
    expect(parse(['-it']).flags).toMatchObject({ interactive: true, tty: true })
    expect(parse(['-itp80:80']).flags.publish).toEqual(['80:80'])
    expect(parse(['-itp', '80']).flags.publish).toEqual(['80'])
    expect(parse(['-p=8080:80']).flags.publish).toEqual(['8080:80'])
    expect(parse(['-ti=false']).flags).toMatchObject({ interactive: false, tty: true })
  })

  it('takes true and false for a switch only behind =', () => {
    expect(parse(['--rm=false', 'false'])).toMatchObject({ flags: { rm: false }, args: ['false'] })
    expect(parse(['--rm', 'false'])).toMatchObject({ flags: { rm: true }, args: ['false'] })
    expect(parse(['--rm=T', '--sig-proxy=0']).flags).toMatchObject({ rm: true, sigProxy: false })
  })

  it('tells an absent switch from a false one where that matters', () => {
    expect(parse([]).flags.tlsVerify).toBeUndefined()
    expect(parse(['--tls-verify=false']).flags.tlsVerify).toBe(false)
    expect(parse(['--tls-verify']).flags.tlsVerify).toBe(true)
  })

  it('collects repeated flags in their order', () => {
    expect(parse(['-e', 'A=1,2', '--env=B=2', '-eC']).flags.env).toEqual(['A=1,2', 'B=2', 'C'])
    expect(parse(['-p', '1,2', '-p', '"3,4",5', '-p', '']).flags.publish).toEqual(['1', '2', '3,4', '5'])
  })

  it('keeps the last of what counts once', () => {
    expect(parse(['--name=a', '--name=b', '--ipc=host']).flags).toMatchObject({ name: 'b', ipc: 'host' })
    expect(parse([]).flags).toMatchObject({ sort: 'created', ipc: 'private', pull: undefined })
  })

  it('finds flags behind arguments, unless they belong to the command', () => {
    expect(parse(['a', '--rm', 'b'])).toMatchObject({ args: ['a', 'b'], flags: { rm: true } })
    const run = parse(['--rm', 'image', '--rm=false', '-it', '--', '--nope'], false)
    expect(run.flags.rm).toBe(true)
    expect(run.args).toEqual(['image', '--rm=false', '-it', '--', '--nope'])
  })

  it('ends the flags at -- and takes - as an argument', () => {
    expect(parse(['-', '--', '--rm', '-x']).args).toEqual(['-', '--rm', '-x'])
    expect(parse(['--', 'image', '--', 'x'], false).args).toEqual(['image', '--', 'x'])
  })

  it('stops at a request for help, with -h only where no flag claims the letter', () => {
    expect(parse(['--help', '--nope'])).toMatchObject({ help: true })
    expect(parse(['-ih'])).toMatchObject({ help: true })
    const flags = { hostname: text({ short: 'h', help: '' }) }
    const scan = scanFlags(['-h', 'box'], { flags, interspersed: true, hint: HINT })
    expect(scan).toMatchObject({ help: false, occurrences: [{ name: 'hostname', text: 'box' }] })
  })

  it.each([
    [['--nope'], 'unknown flag: --nope'],
    [['--nope=x'], 'unknown flag: --nope'],
    [['--toString'], 'unknown flag: --toString'],
    [['--__proto__'], 'unknown flag: --__proto__'],
    [['-x'], "unknown shorthand flag: 'x' in -x"],
    [['-itx5'], "unknown shorthand flag: 'x' in -x5"],
    [['--name'], 'flag needs an argument: --name'],
    [['-ip'], "flag needs an argument: 'p' in -p"],
    [['--=x'], 'bad flag syntax: --=x'],
    [['---x'], 'bad flag syntax: ---x'],
    [['--rm=maybe'], 'invalid argument "maybe" for "--rm" flag: expected true or false'],
    [['-i=2'], 'invalid argument "2" for "-i, --interactive" flag: expected true or false'],
    [['-n', '1.5'], 'invalid argument "1.5" for "-n, --last" flag: expected an integer'],
    [
      ['--preserve-fds=-1'],
      'invalid argument "-1" for "--preserve-fds" flag: expected an integer of at least 0',
    ],
    [['--pull=x'], 'invalid argument "x" for "--pull" flag: expected one of always, never'],
    [['--size=bad'], 'invalid argument "bad" for "--size" flag: expected a size'],
    [['-p', '"a'], 'invalid argument ""a" for "-p, --publish" flag: unclosed " in ""a"'],
  ])('refuses %j', (argv, message) => {
    expect(failure(argv)).toMatchObject({ code: 'USAGE', message, hint: HINT })
  })

  it('passes over flags of another table', () => {
    const occurrences = [
      { name: 'debug', text: 'true' },
      { name: 'rm', text: 'true' },
    ]
    expect(foldFlags({ rm: FLAGS.rm }, occurrences, HINT)).toEqual({ rm: true })
  })

  it('names the handler’s fields in camel case', () => {
    expect(camelCase('dns-search')).toBe('dnsSearch')
    expect(camelCase('no-trunc-2x')).toBe('noTrunc2x')
  })
})
