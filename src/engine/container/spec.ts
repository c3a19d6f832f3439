import { BryoError } from '../../base/errors.ts'
import type { IdMaps } from '../../base/idmap.ts'
import { toHostId } from '../../base/idmap.ts'
import type { ImageConfig } from '../../base/image.ts'
import { type CapabilityPlan, capabilityNames } from '../../runtime/capabilities.ts'
import type { SecuritySettings } from '../../runtime/security.ts'
import type { Spec, SpecDevice, SpecMount, SpecNamespace, SpecRlimit } from '../../runtime/spec.ts'
import { RLIM_INFINITY } from '../../syscall/process.ts'
import type { Confinement } from './confinement.ts'
import { buildCommand, buildEnvironment } from './environment.ts'
import { buildMounts, INIT_TARGET } from './mounts.ts'
import type { ContainerRequest, UlimitRequest } from './request.ts'

export interface SpecInputs {
  readonly request: ContainerRequest
  readonly image: ImageConfig | undefined
  /** `NAME=value` of secrets: they are not in the request, which others may see. */
  readonly secretEnv: readonly string[]
  readonly hostname: string
  readonly maps: IdMaps
  readonly network: 'new' | 'host' | 'joined'
  /** Namespaces of others. */
  readonly joins: readonly SpecNamespace[]
  readonly sharedMemory: string | undefined
  readonly cgroup2: boolean
  /** It may make control groups in its own. */
  readonly cgroupWritable: boolean
  readonly hostHasQueues: boolean
  readonly files: Readonly<Record<string, string>>
  readonly userMounts: readonly SpecMount[]
  readonly initProgram: string | undefined
  readonly security: SecuritySettings
  readonly confinement: Confinement
  readonly capabilities: CapabilityPlan
  readonly sysctls: Readonly<Record<string, string>>
}

const DEFAULT_DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty']
const DEFAULT_UMASK = 0o022

/** The OCI configuration of a container. Pure. */
export function buildSpec(inputs: SpecInputs): Spec {
  const { request, image, hostname, maps, security } = inputs
  const command = buildCommand(request, image)
  if (command.length === 0) {
    throw new BryoError('USAGE', 'no command or entrypoint provided, and no CMD or ENTRYPOINT from image')
  }
  return {
    ociVersion: '1.2.0',
    ...(request.uts === 'private' && { hostname }),
    ...(request.domainname !== undefined && { domainname: request.domainname }),
    process: processOf({
      request,
      security,
      confinement: inputs.confinement,
      capabilities: inputs.capabilities,
      args: inputs.initProgram === undefined ? command : [INIT_TARGET, '--', ...command],
      env: buildEnvironment({ ...request, env: [...request.env, ...inputs.secretEnv] }, image, hostname),
      cwd: request.workdir ?? (image?.workingDir || '/'),
    }),
    root: { path: 'rootfs', readonly: request.readOnly },
    mounts: buildMounts({
      request,
      sharedMemory: inputs.sharedMemory,
      cgroup2: inputs.cgroup2,
      cgroupWritable: inputs.cgroupWritable,
      hostHasQueues: inputs.hostHasQueues,
      ttyGroup: toHostId(maps.gid, 5) !== undefined,
      files: inputs.files,
      user: inputs.userMounts,
      initProgram: inputs.initProgram,
      procOptions: security.procOptions,
    }),
    linux: {
      namespaces: namespacesOf(inputs),
      uidMappings: maps.uid,
      gidMappings: maps.gid,
      devices: devicesOf(request),
      sysctl: { ...inputs.sysctls, ...request.sysctls },
      maskedPaths: security.maskedPaths,
      readonlyPaths: security.readonlyPaths,
      ...(inputs.confinement.mountLabel !== undefined && { mountLabel: inputs.confinement.mountLabel }),
      rootfsPropagation: 'private',
    },
    annotations: request.annotations,
  }
}

export interface ProcessInputs extends Pick<Spec['process'], 'args' | 'env' | 'cwd'> {
  readonly request: Pick<ContainerRequest, 'tty' | 'umask' | 'ulimits'>
  readonly security: Pick<SecuritySettings, 'noNewPrivileges'>
  readonly confinement: Confinement
  readonly capabilities: CapabilityPlan
}

/** A process of a container: its first one, or one that is added. Pure. */
export function processOf({
  request,
  security,
  confinement: { apparmorProfile, selinuxLabel },
  capabilities,
  args,
  env,
  cwd,
}: ProcessInputs): Spec['process'] {
  return {
    terminal: request.tty,
    args,
    env,
    cwd,
    user: { uid: 0, gid: 0, additionalGids: [], umask: request.umask ?? DEFAULT_UMASK },
    capabilities: {
      bounding: capabilityNames(capabilities.bounding),
      effective: capabilityNames(capabilities.effective),
      permitted: capabilityNames(capabilities.permitted),
      inheritable: capabilityNames(capabilities.inheritable),
      ambient: capabilityNames(capabilities.ambient),
    },
    rlimits: request.ulimits.map(toRlimit),
    noNewPrivileges: security.noNewPrivileges,
    ...(apparmorProfile !== undefined && { apparmorProfile }),
    ...(selinuxLabel !== undefined && { selinuxLabel }),
  }
}

function namespacesOf({ request, network, joins }: SpecInputs): readonly SpecNamespace[] {
  const types: SpecNamespace['type'][] = ['user', 'mount']
  if (request.pid === undefined) types.push('pid')
  if (network === 'new') types.push('network')
  if (request.ipc === 'private') types.push('ipc')
  if (request.uts === 'private') types.push('uts')
  if (request.cgroupns === 'private') types.push('cgroup')
  const joined = joins.map(({ type, path }) => ({ type, path }))
  return [...joined, ...types.flatMap((type) => (joins.some((one) => one.type === type) ? [] : [{ type }]))]
}

function devicesOf({ devices }: ContainerRequest): readonly SpecDevice[] {
  const own = DEFAULT_DEVICES.map((name) => ({
    path: `/dev/${name}`,
    hostPath: `/dev/${name}`,
    access: 'rwm',
  }))
  const asked = new Set(devices.map((device) => device.path))
  return [...own.filter((device) => !asked.has(device.path)), ...devices]
}

function toRlimit({ type, soft, hard }: UlimitRequest): SpecRlimit {
  return { type, soft: limitValue(soft), hard: limitValue(hard) }
}

function limitValue(text: string): bigint {
  return text === 'unlimited' || text === '-1' ? RLIM_INFINITY : BigInt(text)
}
