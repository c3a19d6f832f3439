import { accessSync, constants } from 'node:fs'
import { messageOf } from '../../base/errors.ts'
import { findProgram } from '../../base/findProgram.ts'
import { loadLibrary } from '../../syscall/native.ts'
import { runProgram } from '../../userns/program.ts'
import { type DoctorFacts, type Finding, type FindingState, finding } from './finding.ts'

const SECCOMP = { id: 'libseccomp', title: 'libseccomp' }

/** What bryo uses of the host's programs. */
interface ProgramNeed {
  readonly name: string
  readonly package: string
  /** How bad it is not to have it. */
  readonly missing: FindingState
  readonly use: string
  /** Oldest version that has what is used, `major.minor`. */
  readonly oldest?: readonly [number, number]
}

export function checkPrograms(facts: DoctorFacts): readonly Finding[] {
  return [
    judgeDevice('/dev/net/tun', accessProblem('/dev/net/tun'), {
      state: 'error',
      use: 'the network of containers',
      fix: 'as root: modprobe tun; mkdir -p /dev/net; [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200; chmod 0666 /dev/net/tun',
    }),
    checkProgram(facts, {
      name: 'slirp4netns',
      package: 'slirp4netns',
      missing: 'error',
      use: 'the network of containers',
      oldest: [0, 4],
    }),
    checkProgram(facts, { name: 'pasta', package: 'passt', missing: 'skipped', use: '--network pasta' }),
    checkProgram(facts, { name: 'catatonit', package: 'catatonit', missing: 'warning', use: '--init' }),
    checkSeccomp(),
  ]
}

/** Finds the program, asks for its version and judges both. */
export function checkProgram(facts: DoctorFacts, need: ProgramNeed): Finding {
  const path = findProgram(need.name, facts.env.PATH)
  if (path === undefined) return judgeProgram(need, undefined, '')
  const { stdout, stderr } = runProgram(path, ['--version'])
  return judgeProgram(need, path, `${stdout}${stderr}`)
}

/** @param output of `--version` */
export function judgeProgram(need: ProgramNeed, path: string | undefined, output: string): Finding {
  const subject = { id: need.name, title: need.name }
  const fix = `install the package ${need.package}`
  if (path === undefined) return finding(subject, need.missing, `not found, needed for ${need.use}`, fix)
  const version = versionIn(output, need.name) ?? 'unknown version'
  const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat)
  const { oldest } = need
  if (oldest && (major < oldest[0] || (major === oldest[0] && minor < oldest[1]))) {
    return finding(subject, 'error', `${path} ${version}, expected at least ${oldest.join('.')}`, fix)
  }
  return finding(subject, 'ok', `${path} ${version}`)
}

/** Some print the versions of their libraries too, some log lines with a time stamp: the program's name leads to its own. */
export function versionIn(output: string, name: string): string | undefined {
  const own = new RegExp(`^${name}:?(?: version)? v?(\\d\\S*)`, 'm').exec(output)
  // catatonit calls itself tini.
  return (own ?? /^\S+ version v?(\d\S*)/m.exec(output))?.[1]
}

/** Why the caller cannot read and write the file; undefined where it can. */
export function accessProblem(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return undefined
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    return String(error.code)
  }
}

interface DeviceNeed {
  /** Of a device that cannot be used. */
  readonly state: FindingState
  readonly use: string
  readonly fix: string
}

export function judgeDevice(path: string, problem: string | undefined, need: DeviceNeed): Finding {
  const subject = { id: path.slice('/dev/'.length).replace('/', '-'), title: path }
  if (problem === undefined) return finding(subject, 'ok', 'readable and writable')
  const found = problem === 'ENOENT' ? 'does not exist' : `cannot be opened (${problem})`
  return finding(subject, need.state, `${found}, needed for ${need.use}`, need.fix)
}

function checkSeccomp(): Finding {
  try {
    loadLibrary('libseccomp.so.2')
    return finding(SECCOMP, 'ok', 'libseccomp.so.2 can be loaded')
  } catch (error) {
    const fix = 'install the package libseccomp2 (Debian, Ubuntu) or libseccomp (others)'
    return finding(SECCOMP, 'error', `libseccomp.so.2 cannot be loaded: ${messageOf(error)}`, fix)
  }
}
