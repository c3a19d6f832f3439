import { readFileSync } from 'node:fs'
import { BryoError } from '../base/errors.ts'
import type { HostFacts } from '../base/hostFacts.ts'
import type { ContainerRequest, MountRequest } from '../engine/container/request.ts'
import type { FlagValues } from './flags/flag.ts'
import { given } from './given.ts'
import { healthSettings } from './healthSettings.ts'
import { resourceSettings } from './limits.ts'
import { networkSettings } from './networkSettings.ts'
import type { CREATE_FLAGS } from './options/create.ts'
import { parseLabelFile, toRecord } from './parse/keyValue.ts'
import { parseLogOption } from './parse/logOption.ts'
import { parseMount } from './parse/mount.ts'
import { absoluteHostPath } from './parse/path.ts'
import { combineUlimits } from './parse/ulimit.ts'
import { parseVolume } from './parse/volume.ts'
import { parseEach } from './parseEach.ts'
import { platformText } from './platformText.ts'
import { processEnvironment, proxyEnvironment } from './processEnvironment.ts'
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
    ...healthSettings(flags, facts.cwd),
    ...networkSettings(flags, facts.cwd),
    ...pullSettings(flags),
    ...logging(flags, facts.cwd),
    command,
    mounts: mountRequests(flags, facts.cwd),
    secrets: flags.secret,
    devices: flags.device,
    readOnly: flags.readOnly,
    readOnlyTmpfs: flags.readOnlyTmpfs,
    ...filesystem(flags),
  }
}

function filesystem(flags: CreateFlags) {
  const { imageVolume, chrootdirs } = flags
  return {
    ...given('shmSize', flags.shmSize),
    ...given('systemdTmpfsSize', flags.shmSizeSystemd),
    ...((imageVolume === 'ignore' || imageVolume === 'tmpfs') && { imageVolumes: imageVolume }),
    ...(chrootdirs.length > 0 && { chrootDirs: chrootdirs.map(absoluteDirectory) }),
  }
}

/** @throws BryoError USAGE */
function absoluteDirectory(path: string): string {
  if (path.startsWith('/')) return path
  throw new BryoError('USAGE', `invalid directory "${path}" of --chrootdirs: expected an absolute path`)
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
  if (flags.noHosts && flags.hostsFile !== undefined) refuse('cannot use --no-hosts with --hosts-file')
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
    ...(flags.requires.length > 0 && { requires: flags.requires }),
    ...(flags.volumesFrom.length > 0 && { volumesFrom: flags.volumesFrom }),
    replace: flags.replace,
    autoRemove: flags.rm ?? false,
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
    ...(flags.httpProxy && { proxyEnv: proxyEnvironment(facts.env) }),
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
    ...(flags.systemd !== 'true' && {
      systemd: flags.systemd === 'always' ? ('always' as const) : ('never' as const),
    }),
    ...given('personality', flags.personality),
    passwd: flags.passwd,
    ...given('passwdEntry', flags.passwdEntry),
    ...given('groupEntry', flags.groupEntry),
    ...(flags.hostuser.length > 0 && { hostUsers: flags.hostuser }),
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

function isolation(flags: CreateFlags) {
  return {
    ...given('userns', flags.userns),
    uidmap: flags.uidmap,
    gidmap: flags.gidmap,
    ...given('subuidname', flags.subuidname),
    ...given('subgidname', flags.subgidname),
    ...(flags.pid !== undefined && flags.pid !== 'private' && { pid: flags.pid }),
    ipc: flags.ipc,
    uts: flags.uts,
    cgroupns: flags.cgroupns,
    ...given('hostname', flags.hostname),
    ...given('domainname', flags.domainname),
    ...(flags.noHostname && { noHostname: true }),
    capAdd: flags.capAdd,
    capDrop: flags.capDrop,
    privileged: flags.privileged,
    securityOpt: flags.securityOpt,
    sysctls: toRecord(flags.sysctl),
  }
}

function pullSettings(flags: CreateFlags) {
  return {
    pull: flags.pull ?? 'missing',
    ...given('platform', platformText(flags)),
    ...given('tlsVerify', flags.tlsVerify),
    ...given('certDir', flags.certDir),
    ...given('authfile', flags.authfile),
  }
}

/** What is for this pull alone, and not part of the container. */
export function registryLogin(flags: CreateFlags) {
  const { creds, retry, retryDelay: retryDelayMs, signaturePolicy } = flags
  return { creds, retry, retryDelayMs, signaturePolicy }
}

function logging(flags: CreateFlags, cwd: string) {
  return {
    ...given('logDriver', flags.logDriver),
    logOptions: flags.logOpt.map((text) => parseEach('--log-opt', text, () => parseLogOption(text, cwd))),
  }
}
