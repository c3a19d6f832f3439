import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, freemem, hostname, release, totalmem, uptime } from 'node:os'
import { unlessErrno } from '../../base/errors.ts'
import { findProgram } from '../../base/findProgram.ts'
import { runtimeDirectory } from '../../base/runtimeDirectory.ts'
import { VERSION } from '../../base/version.ts'
import { managerSocket } from '../../cgroup/systemd.ts'
import { capabilityNames, planCapabilities } from '../../runtime/capabilities.ts'
import { readSilentForks } from '../../storage/silentForks.ts'
import { runProgram } from '../../userns/program.ts'
import { readCgroupLayout } from '../doctor/cgroups.ts'
import type { Engine } from '../engine.ts'
import { installedFile } from '../installation.ts'

type Document = Readonly<Record<string, unknown>>

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64' }

/** Go's name for this machine. */
export function architecture(): string {
  return ARCHITECTURES[process.arch] ?? process.arch
}

/** The part `Host` of `info`, by the names that templates use. */
export function hostInfo(engine: Engine): Document {
  const memory = readTable('/proc/meminfo', /^(\w+):\s+(\d+) kB$/gm)
  const kib = (name: string) => Number(memory.get(name) ?? 0) * 1024
  return {
    Arch: architecture(),
    // Neither is here: images are built, and containers watched, by bryo itself.
    BuildahVersion: '',
    Conmon: { Package: '', Path: '', Version: '' },
    CgroupManager: managerSocket(runtimeDirectory(engine.facts)) === undefined ? 'cgroupfs' : 'systemd',
    CgroupsVersion: readCgroupLayout() === 'v2' ? 'v2' : 'v1',
    CgroupControllers: readWords(`${ownCgroup()}/cgroup.controllers`),
    CPUUtilization: cpuUtilization(),
    CPUs: availableParallelism(),
    Distribution: distribution(),
    EventLogger: 'file',
    Hostname: hostname(),
    IDMappings: idMappings(engine),
    Kernel: release(),
    Linkmode: 'dynamic',
    LogDriver: 'k8s-file',
    MemFree: freemem(),
    MemTotal: totalmem(),
    NetworkBackend: 'bryo',
    OCIRuntime: {
      Name: 'bryo',
      Package: `bryo ${VERSION}`,
      Path: installedFile('bin', 'bryo'),
      Version: `bryo version ${VERSION}\n${runtimeVersion()}`,
    },
    OS: 'linux',
    RemoteSocket: { Exists: false, Path: '' },
    Pasta: program(engine, 'pasta'),
    RootlessNetworkCmd: 'slirp4netns',
    Security: security(engine),
    ServiceIsRemote: false,
    SilentForks: readSilentForks(engine.store),
    Slirp4NetNS: program(engine, 'slirp4netns'),
    SwapFree: kib('SwapFree'),
    SwapTotal: kib('SwapTotal'),
    Uptime: uptimeText(Math.floor(uptime())),
  }
}

/** The engine that runs bryo itself. */
export function runtimeVersion(): string {
  const { bun, node } = process.versions
  return bun === undefined ? `Node ${node}` : `Bun ${bun}`
}

function security({ facts }: Engine): Document {
  const { effective } = planCapabilities({ add: [], drop: [], privileged: false, isRoot: true })
  return {
    AppArmorEnabled: readText('/sys/module/apparmor/parameters/enabled').trim() === 'Y',
    DefaultCapabilities: capabilityNames(effective).join(','),
    Rootless: facts.uid !== 0,
    SECCOMPEnabled: true,
    SECCOMPProfilePath: installedFile('share', 'seccomp.json'),
    SELinuxEnabled: existsSync('/sys/fs/selinux/enforce'),
  }
}

function idMappings({ facts, defaultIds }: Engine): Document {
  if (facts.uid === 0) return { GIDMap: [], UIDMap: [] }
  const { uid, gid } = defaultIds().maps
  const lines = (map: typeof uid) =>
    map.map(({ containerId, hostId, size }) => ({ ContainerID: containerId, HostID: hostId, Size: size }))
  return { GIDMap: lines(gid), UIDMap: lines(uid) }
}

function program({ facts }: Engine, name: string): Document {
  const path = findProgram(name, facts.env.PATH)
  if (path === undefined) return { Executable: '', Package: '', Version: '' }
  const { stdout, stderr } = runProgram(path, ['--version'])
  return { Executable: path, Package: '', Version: `${stdout}${stderr}`.trim() }
}

/** The shares since boot. */
function cpuUtilization(): Document {
  const [user = 0, nice = 0, system = 0, idle = 0, ...others] = (
    /^cpu\s+(.*)$/m.exec(readText('/proc/stat'))?.[1] ?? ''
  )
    .split(/\s+/)
    .map(Number)
  const total = others.slice(0, 4).reduce((sum, ticks) => sum + ticks, user + nice + system + idle) || 1
  const percent = (ticks: number) => Math.round((ticks / total) * 10_000) / 100
  return { UserPercent: percent(user + nice), SystemPercent: percent(system), IdlePercent: percent(idle) }
}

function distribution(): Document {
  const release_ = readTable('/etc/os-release', /^(\w+)=["']?(.*?)["']?$/gm)
  const [id, version, codename, variant] = ['ID', 'VERSION_ID', 'VERSION_CODENAME', 'VARIANT_ID'].map((key) =>
    release_.get(key),
  )
  return {
    ...(codename !== undefined && { Codename: codename }),
    Distribution: id ?? 'unknown',
    ...(variant !== undefined && { Variant: variant }),
    Version: version ?? 'unknown',
  }
}

function uptimeText(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)]
  const days = hours < 1 ? '' : ` (Approximately ${(seconds / 86_400).toFixed(2)} days)`
  return `${hours}h ${minutes}m ${(seconds % 60).toFixed(2)}s${days}`
}

function ownCgroup(): string {
  const path = /^0::(\/.*)$/m.exec(readText('/proc/self/cgroup'))?.[1] ?? '/'
  return `/sys/fs/cgroup${path}`
}

function readWords(path: string): readonly string[] {
  return readText(path)
    .split(/\s+/)
    .filter((word) => word !== '')
}

function readTable(path: string, line: RegExp): ReadonlyMap<string, string> {
  return new Map([...readText(path).matchAll(line)].map(([, key = '', value = '']) => [key, value]))
}

/** Empty where there is no such file here. */
function readText(path: string): string {
  return unlessErrno(() => readFileSync(path, 'utf8'), 'ENOENT', 'EACCES', 'ENOTDIR', 'EPERM') ?? ''
}
