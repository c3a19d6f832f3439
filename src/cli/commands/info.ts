import { type SystemInfo, systemInfo } from '../../engine/system/info.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { isJsonFormat } from '../format/rows.ts'
import { formatYaml } from '../format/yaml.ts'
import { INFO_FLAGS } from '../options/system.ts'
import { printLine, writeOut } from '../output.ts'

export const command = defineCommand({
  usage: '[options]',
  description: 'Shows all about the host, the store and bryo itself.',
  examples: ['info', 'info --format json', "info --format '{{.Store.GraphRoot}} {{.Host.OCIRuntime.Name}}'"],
  flags: INFO_FLAGS,
  args: { min: 0, max: 0 },
  run: async ({ flags, context }) => {
    const info = systemInfo(engineOf(context))
    const { format } = flags
    if (format === undefined) writeOut(formatYaml(lowerNames(info)))
    else if (isJsonFormat(format)) writeOut(`${JSON.stringify(lowerNames(info), null, 2)}\n`)
    else {
      const { compileTemplate } = await import('../template/template.ts')
      printLine(compileTemplate(format).render({ ...dockerNames(info), ...info }))
    }
    return 0
  },
})

/** Names that are not just their template's with a small letter. */
const NAMES: Readonly<Record<string, string>> = {
  CPUUtilization: 'cpuUtilization',
  CPUs: 'cpus',
  CgroupsVersion: 'cgroupVersion',
  ContainerID: 'container_id',
  DefaultCapabilities: 'capabilities',
  GIDMap: 'gidmap',
  HostID: 'host_id',
  IDMappings: 'idMappings',
  OCIRuntime: 'ociRuntime',
  OS: 'os',
  SECCOMPEnabled: 'seccompEnabled',
  SECCOMPProfilePath: 'seccompProfilePath',
  SELinuxEnabled: 'selinuxEnabled',
  AppArmorEnabled: 'apparmorEnabled',
  Slirp4NetNS: 'slirp4netns',
  UIDMap: 'uidmap',
}

/** The names of Podman's JSON and YAML; the part about the version has its own as they are. */
function lowerNames(info: SystemInfo): unknown {
  const { Version, ...rest } = info
  return { ...lower(rest), version: Version }
}

function lower(document: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(document).map(([name, value]) => [lowerName(name), lowerValue(value)]),
  )
}

function lowerValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowerValue)
  return typeof value === 'object' && value !== null ? lower({ ...value }) : value
}

function lowerName(name: string): string {
  if (name.includes(' ') || name.includes('.')) return name
  return NAMES[name] ?? `${name.charAt(0).toLowerCase()}${name.slice(1)}`
}

/** What scripts that were written for Docker ask for. */
function dockerNames({ Host, Store, Version }: SystemInfo): Readonly<Record<string, unknown>> {
  return {
    Architecture: Host.Arch,
    CgroupDriver: Host.CgroupManager,
    CgroupVersion: String(Host.CgroupsVersion).replace('v', ''),
    DockerRootDir: Store.GraphRoot,
    Driver: Store.GraphDriverName,
    KernelVersion: Host.Kernel,
    LoggingDriver: Host.LogDriver,
    MemTotal: Host.MemTotal,
    NCPU: Host.CPUs,
    Name: Host.Hostname,
    OSType: Host.OS,
    ServerVersion: Version.Version,
    SecurityOptions: ['name=rootless', 'name=seccomp,profile=default'],
  }
}
