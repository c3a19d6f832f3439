import { readFileSync } from 'node:fs'
import { BryoError } from '../base/errors.ts'
import type { HostFacts } from '../base/hostFacts.ts'
import type { ContainerRequest, MountRequest } from '../engine/container/request.ts'
import type { FlagValues } from './flags/flag.ts'
import { resourceSettings } from './limits.ts'
import type { CREATE_FLAGS } from './options/create.ts'
import type { HEALTH_FLAGS } from './options/health.ts'
import { parseHealthCommand } from './parse/healthCommand.ts'
import { parseAddHost } from './parse/hostEntry.ts'
import { parseLabelFile, toRecord } from './parse/keyValue.ts'
import { parseLogOption } from './parse/logOption.ts'
import { parseMount } from './parse/mount.ts'
import { absoluteHostPath } from './parse/path.ts'
import { combineUlimits } from './parse/ulimit.ts'
import { parseVolume } from './parse/volume.ts'
import { parseEach } from './parseEach.ts'
import { platformText } from './platformText.ts'
import { processEnvironment } from './processEnvironment.ts'
import { readText } from './readText.ts'

type CreateFlags = FlagValues<typeof CREATE_FLAGS>
type Surroundings = Pick<HostFacts, 'cwd' | 'env'>

/**
 * The command line of `run` or `create` as the engine takes it; reads the env and label files.
 * @param args the image (or directory) and the command
 * @throws BryoError USAGE
 */
export function containerRequest(
  flags: CreateFlags,
  args: readonly string[],
  facts: Surroundings,
): ContainerRequest {
  checkConflicts(flags)
  const [, ...command] = args
  return {
    ...root(flags, args[0] ?? '', facts.cwd),
    ...identity(flags, facts.cwd),
    ...firstProcess(flags, facts),
    ...isolation(flags),
    ...resourceSettings(flags),
    ...healthSettings(flags),
    ...network(flags),
    ...pullSettings(flags),
    ...logging(flags, facts.cwd),
    command,
    mounts: mountRequests(flags, facts.cwd),
    secrets: flags.secret,
    devices: flags.device,
    readOnly: flags.readOnly,
    readOnlyTmpfs: flags.readOnlyTmpfs,
    ...given('shmSize', flags.shmSize),
  }
}

/** `{ [key]: value }`, or nothing where the flag was not given. */
function given<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  // The key is the one that the type names.
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: T })
}

function checkConflicts(flags: CreateFlags): void {
  const refuse = (message: string): never => {
    throw new BryoError('USAGE', message)
  }
  if (flags.replace && flags.name === undefined) refuse('cannot use --replace without --name')
  if (flags.platform !== undefined && (flags.arch ?? flags.os ?? flags.variant) !== undefined) {
    refuse('cannot use --platform with --arch, --os or --variant')
  }
  if (flags.rootfs && (flags.pull !== undefined || platformText(flags) !== undefined)) {
    refuse('cannot use --rootfs with --pull or --platform: no image is taken')
  }
  if (flags.noHealthcheck && flags.healthCmd !== undefined)
    refuse('cannot use --no-healthcheck with --health-cmd')
  if (flags.rm && flags.restart !== undefined && flags.restart.name !== 'no') {
    refuse('cannot use --rm with --restart')
  }
  if (flags.noHosts && flags.addHost.length > 0) refuse('cannot use --no-hosts with --add-host')
  if (flags.userns !== undefined && flags.uidmap.length + flags.gidmap.length > 0) {
    refuse('cannot use --userns with --uidmap or --gidmap')
  }
}

function root(flags: CreateFlags, source: string, cwd: string): Pick<ContainerRequest, 'image' | 'rootfs'> {
  if (!flags.rootfs) return { image: source }
  const overlay = source.endsWith(':O')
  return { rootfs: { path: absoluteHostPath(overlay ? source.slice(0, -2) : source, cwd), overlay } }
}

function identity(flags: CreateFlags, cwd: string) {
  const fromFiles = flags.labelFile.flatMap((path) =>
    parseEach('--label-file', path, () => parseLabelFile(readText('--label-file', path, cwd))),
  )
  const cidfile = hostPathOf(flags.cidfile, cwd)
  return {
    ...given('name', flags.name),
    ...given('cidfile', cidfile),
    ...given('pidfile', hostPathOf(flags.pidfile, cwd)),
    ...given('monitorPidfile', hostPathOf(flags.conmonPidfile, cwd)),
    ...(flags.requires.length > 0 && { requires: flags.requires.flatMap((text) => text.split(',')) }),
    ...(flags.volumesFrom.length > 0 && { volumesFrom: flags.volumesFrom }),
    replace: flags.replace,
    autoRemove: flags.rm,
    labels: toRecord([...fromFiles, ...flags.label]),
    annotations: toRecord(flags.annotation),
  }
}

function hostPathOf(path: string | undefined, cwd: string): string | undefined {
  return path === undefined ? undefined : absoluteHostPath(path, cwd)
}

function firstProcess(flags: CreateFlags, facts: Surroundings) {
  return {
    ...given('entrypoint', flags.entrypoint),
    env: processEnvironment(flags, facts),
    ...(flags.envMerge.length > 0 && {
      envMerge: flags.envMerge.map(({ key, value: given }) => `${key}=${given}`),
    }),
    unsetEnv: flags.unsetenvAll ? ['*'] : flags.unsetenv,
    ...given('workdir', flags.workdir),
    ...given('user', flags.user),
    groupAdd: flags.groupAdd,
    ...given('umask', flags.umask),
    ulimits: combineUlimits(flags.ulimit, () => readFileSync('/proc/self/limits', 'utf8')),
    init: flags.init,
    ...given('initPath', flags.initPath),
    ...given('stopSignal', flags.stopSignal),
    ...given('stopTimeoutSeconds', flags.stopTimeout),
    ...given('timeoutSeconds', flags.timeout),
    ...given('restart', flags.restart),
    ...given('notify', flags.sdnotify),
    ...given('timezone', flags.tz),
    passwd: flags.passwd,
    interactive: flags.interactive,
    tty: flags.tty,
  }
}

function mountRequests(flags: CreateFlags, cwd: string): readonly MountRequest[] {
  const mounts = [
    ...flags.mount.map((text) => parseEach('--mount', text, () => parseMount(text, cwd))),
    ...flags.volume.map((text) => parseEach('--volume', text, () => parseVolume(text, cwd))),
    ...flags.tmpfs,
  ]
  const targets = new Set<string>()
  for (const { target } of mounts) {
    if (targets.has(target)) throw new BryoError('USAGE', `${target}: duplicate mount destination`)
    targets.add(target)
  }
  return mounts
}

/** What the options of health checks ask for. */
export function healthSettings(flags: FlagValues<typeof HEALTH_FLAGS>) {
  const { healthCmd, healthStartupCmd } = flags
  const test = flags.noHealthcheck
    ? ['NONE']
    : healthCmd === undefined
      ? undefined
      : parseHealthCommand(healthCmd)
  const healthcheck = {
    ...given('test', test),
    ...given('intervalMs', flags.healthInterval),
    ...given('timeoutMs', flags.healthTimeout),
    ...given('retries', flags.healthRetries),
    ...given('startPeriodMs', flags.healthStartPeriod),
  }
  const startupCheck = healthStartupCmd !== undefined && {
    test: parseHealthCommand(healthStartupCmd),
    ...given('intervalMs', flags.healthStartupInterval),
    ...given('timeoutMs', flags.healthStartupTimeout),
    ...given('retries', flags.healthStartupRetries),
    ...given('successes', flags.healthStartupSuccess),
  }
  return {
    ...(Object.keys(healthcheck).length > 0 && { healthcheck }),
    ...(startupCheck && { startupCheck }),
    ...given('healthAction', flags.healthOnFailure),
  }
}

function isolation(flags: CreateFlags) {
  return {
    ...given('userns', flags.userns),
    uidmap: flags.uidmap,
    gidmap: flags.gidmap,
    ...given('subuidname', flags.subuidname),
    ...given('subgidname', flags.subgidname),
    ipc: flags.ipc,
    uts: flags.uts,
    cgroupns: flags.cgroupns,
    ...given('hostname', flags.hostname),
    capAdd: flags.capAdd,
    capDrop: flags.capDrop,
    privileged: flags.privileged,
    securityOpt: flags.securityOpt,
    sysctls: toRecord(flags.sysctl),
  }
}

function network(flags: CreateFlags) {
  return {
    network: flags.network,
    publish: flags.publish,
    publishAll: flags.publishAll,
    expose: flags.expose,
    dns: flags.dns,
    dnsSearch: flags.dnsSearch,
    dnsOption: flags.dnsOption,
    addHost: flags.addHost.flatMap((text) => parseEach('--add-host', text, () => parseAddHost(text))),
    noHosts: flags.noHosts,
  }
}

function pullSettings(flags: CreateFlags) {
  return {
    pull: flags.pull ?? 'missing',
    ...given('platform', platformText(flags)),
    tlsVerify: flags.tlsVerify ?? true,
    ...given('certDir', flags.certDir),
    ...given('authfile', flags.authfile),
  }
}

function logging(flags: CreateFlags, cwd: string) {
  return {
    ...given('logDriver', flags.logDriver),
    logOptions: flags.logOpt.map((text) => parseEach('--log-opt', text, () => parseLogOption(text, cwd))),
  }
}
