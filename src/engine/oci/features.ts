import { ALL_CAPABILITIES, capabilityNames } from '../../runtime/capabilities.ts'
import { HOOK_KINDS } from '../../runtime/oci/config/types.ts'
import { KNOWN_MOUNT_OPTIONS } from '../../runtime/oci/mountPlan.ts'
import { ACTION_NAMES, FLAGS, OPERATORS } from '../../runtime/seccomp/profile.ts'
import { NAMESPACE_FILE } from '../../syscall/namespace.ts'
import { readHostSecurity } from './host.ts'

/** What this runtime can do. @see https://github.com/opencontainers/runtime-spec/blob/main/features.md */
export function describeFeatures(version: string, ociVersion: string): object {
  const { apparmor, selinux } = readHostSecurity()
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: ociVersion,
    hooks: HOOK_KINDS,
    mountOptions: KNOWN_MOUNT_OPTIONS,
    linux: {
      namespaces: Object.keys(NAMESPACE_FILE),
      capabilities: capabilityNames(ALL_CAPABILITIES),
      cgroup: { v1: false, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: ACTION_NAMES.filter((name) => name !== 'SCMP_ACT_NOTIFY'),
        operators: Object.keys(OPERATORS),
        archs: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
        knownFlags: Object.keys(FLAGS),
        supportedFlags: Object.keys(FLAGS),
      },
      apparmor: { enabled: apparmor },
      selinux: { enabled: selinux },
      intelRdt: { enabled: false },
      mountExtensions: { idmap: { enabled: false } },
    },
    annotations: { 'bryo.version': version },
  }
}
